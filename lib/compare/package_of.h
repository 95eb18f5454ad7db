/* Whether an item is as a package of the evidence's own database has it (details.package,
 * vestige-policy(5)). */
#ifndef COMPARE_PACKAGE_OF_H
#define COMPARE_PACKAGE_OF_H

#include "compare/rules.h"

enum package_state {
	PACKAGE_NONE, /* of no package, or nobody has looked */
	PACKAGE_SAME, /* as the package's digest says */
	PACKAGE_DIFFERS,
};

/* Looks into the item and, where it says nothing, into the items of the same path that other sources have in
 * the later exhibit. */
enum package_state package_of(const struct vst_rule_context *context, const struct vst_item *item);

#endif
