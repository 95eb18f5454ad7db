/*
 * The layout of an exhibit: a pax tar in zstd frames in age v1, with an index at its end.
 *
 *   age v1 file ── Zstandard: independent frames of at most VST_FRAME_MAX tar bytes each, content size and checksum set,
 *        │         then the seek table of the seekable format in a skippable frame
 *        └ pax tar, in this order:
 *            exhibit.json                        who, why, where, clocks                (item, source "exhibit")
 *            policy.yaml, definitions/…          what was asked for                     (items, source "exhibit")
 *            digest.key                          64 hex digits and LF: the key of the digests that stand for content
 *                                                (item, source "exhibit"; only if a source has `content: digest`)
 *            items/<source>/<path> …             the evidence
 *            manifest/000001.jsonl …             after every VST_SEGMENT_ITEMS items, VST_SEGMENT_BYTES of content or 4 MiB
 *                                                of lines: the lines of the items since the segment before
 *            findings.jsonl                      what the comparison with the exhibit before found, one finding a line
 *                                                (finding.h; item, source "exhibit"; only if there was something to compare)
 *            closing.json                        clocks and counts at the end           (item, source "exhibit")
 *            manifest/NNNNNN.jsonl               the last segment
 *            index                               one record an item, sorted by path digest
 *            leaves                              the leaf hashes, 32 bytes an item, by seq
 *            trailer                             512 bytes
 *            two zero blocks
 *
 * Entries, as libarchive writes pax:
 *   - mtime, atime and ctime to the ns, never a birth time; a time without a pair in libarchive's terms (-1 s < t < 0) is -1 s
 *   - with an access ACL, the mode's bits for user, group and other are those of the ACL's entries of that name (not the mask)
 *   - an xattr's name has bytes other than 0x21 to 0x7e, `%` and `=` as %XX: GNU tar turns back %25 and %3D, no other
 *   - names that are not UTF-8 come with hdrcharset=BINARY and are their bytes; what GNU tar says of that word is harmless
 *   - parts of a stream each have all of the stream's metadata; entries that have none in the manifest have mode 0644, owner 0
 *
 * An index record is VST_INDEX_RECORD_LEN bytes, integers little-endian:
 *     0  path digest (manifest.h)         32
 *    32  seq                               4
 *    36  length of the manifest line       4   without LF
 *    40  offset of the item's first tar header in the tar stream (a pax header if it has one)
 *                                          8   UINT64_MAX: the item has no entry
 *    48  offset of the manifest line in the tar stream   8
 *
 * The trailer's content is VST_TRAILER_LEN bytes:
 *     0  magic "vestige trailer\n"        16
 *    16  version 1                         4
 *    20  length of an index record         4
 *    24  items                             8
 *    32  offset of the index's first byte  8
 *    40  offset of the first leaf hash     8
 *    48  offset of the trailer's tar header 8
 *    56  manifest segments                 8
 *    64  Merkle root                      32
 *    96  SHA-256 of the index bytes       32
 *   128  zeros to 480
 *   480  SHA-256 of bytes 0 to 479        32
 *
 * So the trailer's content lies 1,024 + 512 bytes before the end of the tar stream: the stream's length is known from the seek
 * table, and one item is reached by trailer, index and frame. A cut exhibit has no trailer, but the manifest segments of
 * nearly all that it holds.
 */
#ifndef VESTIGE_EXHIBIT_FORMAT_H
#define VESTIGE_EXHIBIT_FORMAT_H

#define VST_FRAME_MAX (4 * 1024 * 1024)
#define VST_SEGMENT_ITEMS 4096
#define VST_SEGMENT_BYTES (64 * 1024 * 1024)
#define VST_PART_MAX (8 * 1024 * 1024) /* one entry of a stream */
#define VST_INDEX_RECORD_LEN 56
#define VST_TRAILER_LEN 512
#define VST_TRAILER_MAGIC "vestige trailer\n"
#define VST_EXHIBIT_ITEMS_MAX UINT32_MAX

#define VST_ENTRY_EXHIBIT "exhibit.json"
#define VST_ENTRY_POLICY "policy.yaml"
#define VST_ENTRY_DIGEST_KEY "digest.key"
#define VST_ENTRY_DEFINITIONS "definitions"
#define VST_ENTRY_FINDINGS "findings.jsonl"
#define VST_ENTRY_CLOSING "closing.json"
#define VST_ENTRY_INDEX "index"
#define VST_ENTRY_LEAVES "leaves"
#define VST_ENTRY_TRAILER "trailer"

#endif
