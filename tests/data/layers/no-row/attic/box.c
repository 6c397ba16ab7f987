/* SPDX-License-Identifier: ISC */
/* Wrong: the table has no row for attic. */
int box_lid;
