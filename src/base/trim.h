/* SPDX-License-Identifier: MIT */
#ifndef LJ_BASE_TRIM_H
#define LJ_BASE_TRIM_H

/* Gives back the pages of program code that only start-up has used: most of what a Node process maps is read once and never
 * again. Only code that nobody has changed is given back, so a page that is needed after all comes back from the file by
 * itself. A hint: does nothing where the system offers no such thing. Takes some milliseconds. */
void lj_trim_code(void);

#endif
