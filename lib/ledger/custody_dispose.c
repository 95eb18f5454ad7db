/*
 * Generations of exhibits, and which of them may be disposed of (rule 9 of custody.h).
 *
 * A generation is contiguous among the sealed exhibits: rule 7 lets a seal open one or continue that of the
 * seal before it. Unfinished files stand between as they came.
 */
#include <string.h>

#include "ledger/custody_state.h"
#include "vestige/err.h"

size_t vst_custody_disposed_count(const struct vst_custody *custody)
{
	return custody->disposed_count;
}

uint64_t vst_custody_generation(const struct vst_custody_exhibit *exhibit)
{
	return exhibit->seal ? vst_seal_generation(exhibit->seal) : exhibit->number;
}

static const struct vst_custody_exhibit *opening(const struct vst_custody *custody, uint64_t generation)
{
	const struct vst_custody_exhibit *exhibit = vst_custody_exhibit_find(custody, generation);

	return exhibit && vst_custody_generation(exhibit) == generation ? exhibit : NULL;
}

const struct vst_custody_exhibit *vst_custody_generation_next(
        const struct vst_custody *custody, uint64_t generation, const struct vst_custody_exhibit *after)
{
	if (!after)
		return opening(custody, generation);
	if (!after->seal)
		return NULL;
	for (size_t i = (size_t)(after - custody->exhibits) + 1; i < custody->exhibit_count; i++) {
		const struct vst_custody_exhibit *exhibit = &custody->exhibits[i];

		if (exhibit->seal)
			return vst_custody_generation(exhibit) == generation ? exhibit : NULL;
	}
	return NULL;
}

bool vst_custody_generation_is_newest(const struct vst_custody *custody, uint64_t generation)
{
	const struct vst_custody_exhibit *latest = vst_custody_exhibit_latest(custody);

	return latest && vst_custody_generation(latest) == generation;
}

static bool is_same(const struct vst_event_disposed *named, const struct vst_custody_exhibit *exhibit)
{
	return named->exhibit == exhibit->number && named->is_sealed == (exhibit->seal != NULL) &&
	       (!exhibit->seal || memcmp(named->seal_sha256, exhibit->seal_sha256, VST_HASH_LEN) == 0);
}

int vst_custody_check_dispose(
        const struct vst_custody *custody, const struct custody_next *next, struct vst_err *err)
{
	const struct vst_event *event = next->event;
	const struct vst_custody_exhibit *exhibit = NULL;
	uint64_t generation = event->dispose.generation;
	size_t count = 0;

	if (next->by_collector && event->dispose.cause != VST_DISPOSE_RETENTION)
		return vst_custody_broken(err, 5, "a collector disposed of exhibits by request");
	if (!opening(custody, generation))
		return vst_custody_broken(
		        err, 9, "exhibit %llu opens no generation", (unsigned long long)generation);
	if (vst_custody_generation_is_newest(custody, generation))
		return vst_custody_broken(err, 9, "the generation of exhibit %llu is the newest",
		        (unsigned long long)generation);
	while ((exhibit = vst_custody_generation_next(custody, generation, exhibit)) != NULL) {
		if (exhibit->disposed)
			return vst_custody_broken(err, 9,
			        "exhibit %llu was disposed of before, by event %llu",
			        (unsigned long long)exhibit->number, (unsigned long long)exhibit->disposed);
		if (count == event->dispose.exhibit_count ||
		        !is_same(&event->dispose.exhibits[count], exhibit))
			return vst_custody_broken(err, 9,
			        "exhibit %llu is in the generation, and not named with its seal",
			        (unsigned long long)exhibit->number);
		count++;
	}
	if (count < event->dispose.exhibit_count)
		return vst_custody_broken(err, 9, "exhibit %llu is named, and not in the generation",
		        (unsigned long long)event->dispose.exhibits[count].exhibit);
	return 0;
}
