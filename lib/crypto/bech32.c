#include "vestige/bech32.h"

#include <stdbool.h>
#include <string.h>

#include "vestige/buf.h"
#include "vestige/err.h"
#include "vestige/secret.h"

#define CHECKSUM_DIGITS 6
#define DIGIT_BITS 5

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the BCH code over GF(32) that BIP 173 gives. */
static uint32_t polymod_step(uint32_t sum, uint8_t digit)
{
	static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ digit;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

/* The checksum always covers lower case. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static uint32_t polymod_prefix(const char *hrp, size_t len)
{
	uint32_t sum = 1;

	for (size_t i = 0; i < len; i++)
		sum = polymod_step(sum, (uint8_t)lower(hrp[i]) >> 5);
	sum = polymod_step(sum, 0);
	for (size_t i = 0; i < len; i++)
		sum = polymod_step(sum, (uint8_t)lower(hrp[i]) & 31);
	return sum;
}

/* Which cases a text has: both is an error in Bech32. */
static void find_cases(const char *text, size_t len, bool *ret_lower, bool *ret_upper)
{
	*ret_lower = *ret_upper = false;
	for (size_t i = 0; i < len; i++) {
		*ret_lower |= text[i] != upper(text[i]);
		*ret_upper |= text[i] != lower(text[i]);
	}
}

static bool printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 33 || text[i] > 126)
			return false;
	return true;
}

static void append_digit(struct vst_buf *out, uint8_t digit, bool in_upper)
{
	vst_buf_byte(out, (uint8_t)(in_upper ? upper(alphabet[digit]) : alphabet[digit]));
}

int vst_bech32_encode(
        const char *hrp, const uint8_t *data, size_t len, struct vst_buf *out, struct vst_err *err)
{
	size_t hrp_len = strlen(hrp);
	bool has_lower, has_upper;
	uint32_t pending = 0;
	unsigned bits = 0;

	find_cases(hrp, hrp_len, &has_lower, &has_upper);
	if (hrp_len < 1 || hrp_len > VST_BECH32_HRP_MAX || !printable(hrp, hrp_len) ||
	        (has_lower && has_upper) || len > VST_BECH32_DATA_MAX)
		return vst_err_set(err, VST_EUSAGE, "Bech32 cannot carry this prefix or length");

	uint32_t sum = polymod_prefix(hrp, hrp_len);
	/* All at once, so that a key is not left behind in memory that a growing buffer gave up. */
	vst_buf_reserve(out, hrp_len + 1 + (len * 8 + DIGIT_BITS - 1) / DIGIT_BITS + CHECKSUM_DIGITS);
	vst_buf_bytes(out, hrp, hrp_len);
	vst_buf_byte(out, '1');
	for (size_t i = 0; i < len; i++) {
		pending = pending << 8 | data[i];
		bits += 8;
		/* After the last byte zero bits fill the last digit. */
		if (i + 1 == len && bits % DIGIT_BITS != 0) {
			unsigned fill = DIGIT_BITS - bits % DIGIT_BITS;
			pending <<= fill;
			bits += fill;
		}
		while (bits >= DIGIT_BITS) {
			bits -= DIGIT_BITS;
			uint8_t digit = pending >> bits & 31;
			sum = polymod_step(sum, digit);
			append_digit(out, digit, has_upper);
		}
	}
	for (unsigned i = 0; i < CHECKSUM_DIGITS; i++)
		sum = polymod_step(sum, 0);
	sum ^= 1;
	for (unsigned i = 0; i < CHECKSUM_DIGITS; i++)
		append_digit(out, sum >> (DIGIT_BITS * (CHECKSUM_DIGITS - 1 - i)) & 31, has_upper);
	return vst_buf_check(out, err);
}

/* The value of a digit, or -1. */
static int digit_of(char c)
{
	const char *found = c ? strchr(alphabet, lower(c)) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

/* Appends the bytes that the digits hold; false if what is left over is not zero bits, fewer than a digit. */
static bool append_bytes(const char *digits, size_t count, struct vst_buf *out)
{
	uint32_t pending = 0;
	unsigned bits = 0;

	vst_buf_reserve(out, count * DIGIT_BITS / 8);
	for (size_t i = 0; i < count; i++) {
		pending = pending << DIGIT_BITS | (uint32_t)digit_of(digits[i]);
		bits += DIGIT_BITS;
		if (bits >= 8) {
			bits -= 8;
			vst_buf_byte(out, (uint8_t)(pending >> bits));
		}
	}
	return bits < DIGIT_BITS && (pending & ((1u << bits) - 1)) == 0;
}

int vst_bech32_decode(const char *text, size_t len, char ret_hrp[VST_BECH32_HRP_MAX + 1], struct vst_buf *out,
        struct vst_err *err)
{
	bool has_lower, has_upper;
	size_t hrp_len = len;
	size_t before = out->len;

	if (len > VST_BECH32_HRP_MAX + 1 + VST_BECH32_DATA_MAX * 8 / DIGIT_BITS + 1 + CHECKSUM_DIGITS)
		return vst_err_set(err, VST_EFORMAT, "the key is too long");
	if (!printable(text, len))
		return vst_err_set(err, VST_EFORMAT, "the key has a character that no key has");
	find_cases(text, len, &has_lower, &has_upper);
	if (has_lower && has_upper)
		return vst_err_set(err, VST_EFORMAT, "the key mixes upper and lower case");
	while (hrp_len > 0 && text[hrp_len - 1] != '1')
		hrp_len--;
	if (hrp_len < 2 || hrp_len - 1 > VST_BECH32_HRP_MAX)
		return vst_err_set(err, VST_EFORMAT, "the key has no prefix that a `1` ends");
	const char *digits = text + hrp_len;
	size_t count = len - hrp_len--;
	if (count < CHECKSUM_DIGITS)
		return vst_err_set(err, VST_EFORMAT, "the key is too short for its checksum");

	uint32_t sum = polymod_prefix(text, hrp_len);
	for (size_t i = 0; i < count; i++) {
		int digit = digit_of(digits[i]);
		if (digit < 0)
			return vst_err_set(err, VST_EFORMAT,
			        "character %zu of the key is one that no key has", hrp_len + i + 2);
		sum = polymod_step(sum, (uint8_t)digit);
	}
	if (sum != 1) {
		vst_err_set(err, VST_EFORMAT, "the key's checksum is wrong");
		vst_err_hint(err, "a character was mistyped or lost: copy the key again");
		return VST_EFORMAT;
	}
	bool whole = append_bytes(digits, count - CHECKSUM_DIGITS, out);
	if (out->failed)
		return vst_buf_check(out, err);
	if (!whole) {
		vst_wipe(out->data + before, out->len - before);
		out->len = before;
		return vst_err_set(err, VST_EFORMAT, "the key's last character holds bits that it must not");
	}
	memcpy(ret_hrp, text, hrp_len);
	ret_hrp[hrp_len] = '\0';
	return 0;
}
