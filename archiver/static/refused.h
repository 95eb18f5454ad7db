/*
 * Refusals of the static program (VESTIGE_STATIC): functions that a library refers to, and that would read
 * the host's configuration, load its modules or speak to a network, defined here so that the linker does not
 * take them from elsewhere. Each gives an error to its caller, and none pretends to have done something.
 *
 * REFUSED(name) puts `vestige_refuses_<name>` at the address of `name`. By that tools/build-static knows, in
 * the linked file, that a function which must not be there is ours and not the C library's.
 */
#ifndef ARCHIVER_STATIC_REFUSED_H
#define ARCHIVER_STATIC_REFUSED_H

/* In assembler: an alias in C would have to repeat each attribute that a header gave its target. */
#define REFUSED(name)                                                                                        \
	__asm__(".globl vestige_refuses_" #name "\n\t.set vestige_refuses_" #name ", " #name);               \
	struct vestige_takes_the_semicolon

#endif
