/*
 * Who is at the keyboard: the person behind sudo or a login, not the account that it became.
 */
#ifndef ARCHIVER_OPERATOR_H
#define ARCHIVER_OPERATOR_H

/* SUDO_USER, else the account of the audit login id, else of the real user id; by this host's own passwd
   file, without name service modules. A number stands for an account without a name. The caller frees; NULL
   without memory. */
char *operator_name(void);

#endif
