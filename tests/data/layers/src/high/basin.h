/* SPDX-License-Identifier: ISC */
#pragma once
#define BASIN_LITRES 20

void basin_fill(void);
void drain_open(int litres);
