/* SPDX-License-Identifier: ISC */
/* twin: the first file of this name. */
