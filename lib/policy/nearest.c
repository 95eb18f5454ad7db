#include "policy/nearest.h"

#include <string.h>

size_t policy_distance(const char *a, const char *b)
{
	size_t row[POLICY_WORD_MAX + 1], b_len = strlen(b);
	if (b_len > POLICY_WORD_MAX || strlen(a) > POLICY_WORD_MAX)
		return POLICY_WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[b_len];
}
