#include "collect/journal_hash.h"

struct words {
	uint32_t a, b, c;
};

static uint32_t turn(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static void add_block(struct words *w, const uint8_t *at, size_t len)
{
	uint32_t *words[] = {&w->a, &w->b, &w->c};
	for (size_t i = 0; i < len; i++)
		*words[i / 4] += (uint32_t)at[i] << 8 * (i % 4);
}

static void mix(struct words *w)
{
	static const unsigned bits[] = {4, 6, 8, 16, 19, 4};
	for (size_t i = 0; i < 6; i++) {
		/* Each round works on the words one place further on. */
		uint32_t a = w->a - w->c, b = w->b, c = w->c;
		a ^= turn(c, bits[i]);
		c += b;
		*w = (struct words){.a = b, .b = c, .c = a};
	}
}

static void finish(struct words *w)
{
	w->c ^= w->b;
	w->c -= turn(w->b, 14);
	w->a ^= w->c;
	w->a -= turn(w->c, 11);
	w->b ^= w->a;
	w->b -= turn(w->a, 25);
	w->c ^= w->b;
	w->c -= turn(w->b, 16);
	w->a ^= w->c;
	w->a -= turn(w->c, 4);
	w->b ^= w->a;
	w->b -= turn(w->a, 14);
	w->c ^= w->b;
	w->c -= turn(w->b, 24);
}

uint64_t vst_journal_hash(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t start = 0xdeadbeef + (uint32_t)len;
	struct words w = {start, start, start};
	while (len > 12) {
		add_block(&w, at, 12);
		mix(&w);
		at += 12;
		len -= 12;
	}
	if (len > 0) {
		add_block(&w, at, len);
		finish(&w);
	}
	return (uint64_t)w.c << 32 | w.b;
}

void vst_journal_fields_add(struct vst_journal_fields *fields, const void *field, size_t len)
{
	uint64_t hash = vst_journal_hash(field, len);
	fields->sum ^= hash;
	if (fields->count < VST_JOURNAL_HASHES)
		fields->hashes[fields->count++] = hash;
}

bool vst_journal_fields_are(const struct vst_journal_fields *fields, uint64_t written)
{
	uint64_t rest = fields->sum ^ written;
	for (size_t i = 0; rest != 0 && i < fields->count; i++) {
		if (fields->hashes[i] == rest)
			return true;
		for (size_t j = i + 1; j < fields->count; j++)
			if ((fields->hashes[i] ^ fields->hashes[j]) == rest)
				return true;
	}
	return rest == 0;
}
