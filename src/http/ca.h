/* SPDX-License-Identifier: MIT */
#ifndef LJ_HTTP_CA_H
#define LJ_HTTP_CA_H

/* The system's bundle of trusted certificates, or NULL where the TLS library knows the system's store itself. */
const char *lj_ca_file(void);

#endif
