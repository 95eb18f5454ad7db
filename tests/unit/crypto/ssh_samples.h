/* Keys and signatures that OpenSSH 9.2 made for these tests, and nothing else. */
#ifndef VESTIGE_TESTS_SSH_SAMPLES_H
#define VESTIGE_TESTS_SSH_SAMPLES_H

#define SAMPLE_PUBLIC "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICHK/HIdhAXLbgVAk/VVFSm9Sc8wEFjH8G/LfCDgcL4w"
#define SAMPLE_FINGERPRINT "SHA256:9rleFvUMsJJ4pwKol/iCGsrMq9XFhktLsg8/ywjWhp8"
#define SAMPLE_COMMENT "test comment"
#define SAMPLE_ECDSA_PUBLIC                                                                                  \
	"ecdsa-sha2-nistp256 "                                                                               \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKfliKcCWnWTke3elth2MiidylSqGrVT+"              \
	"cMRLgmlisVlVFfXamCkleIu0jy2Y8x8lAVIi5shmQCxVHbZA+Xct4s= e"
#define SAMPLE_MESSAGE "hello"

#define SAMPLE_PRIVATE                                                                                       \
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                              \
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"                           \
	"QyNTUxOQAAACAhyvxyHYQFy24FQJP1VRUpvUnPMBBYx/Bvy3wg4HC+MAAAAJCOSsXEjkrF\n"                           \
	"xAAAAAtzc2gtZWQyNTUxOQAAACAhyvxyHYQFy24FQJP1VRUpvUnPMBBYx/Bvy3wg4HC+MA\n"                           \
	"AAAEDB+EE8gL0S2ZmMXCGMMBkTHFyG405eAriPtT2CsYNooSHK/HIdhAXLbgVAk/VVFSm9\n"                           \
	"Sc8wEFjH8G/LfCDgcL4wAAAADHRlc3QgY29tbWVudAE=\n"                                                     \
	"-----END OPENSSH PRIVATE KEY-----\n"

/* The same key with the passphrase "secret". */
#define SAMPLE_ENCRYPTED                                                                                     \
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                              \
	"b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABC4nmFYPY\n"                           \
	"1cwe7opTrFi+YyAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAICHK/HIdhAXLbgVA\n"                           \
	"k/VVFSm9Sc8wEFjH8G/LfCDgcL4wAAAAkHf3y0+lydagAffpvcJNP0VSphRs+wFoGSRAQ4\n"                           \
	"9Zd1Gkf+SpFUQWIIKBg1AS1MZDgBN3w8gOlMBoJqrDiLH/GEI31nsKLAP2JyOo6ymNt9wO\n"                           \
	"bR6vvRlVmuGXJXxFOJrPBQri5OjlY1tyChvpLe/a5Y1/Ke5ndph5mDd8SY9QYYaB9Ppw45\n"                           \
	"+8zu9u310QOBjVog==\n"                                                                               \
	"-----END OPENSSH PRIVATE KEY-----\n"

#define SAMPLE_ECDSA_PRIVATE                                                                                 \
	"-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                              \
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"                           \
	"1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQSn5YinAlp1k5Ht3pbYdjIoncpUqhq1\n"                           \
	"U/nDES4JpYrFZVRX12pgpJXiLtI8tmPMfJQFSIubIZkAsVR22QPl3LeLAAAAoC0QQzQtEE\n"                           \
	"M0AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKfliKcCWnWTke3e\n"                           \
	"lth2MiidylSqGrVT+cMRLgmlisVlVFfXamCkleIu0jy2Y8x8lAVIi5shmQCxVHbZA+Xct4\n"                           \
	"sAAAAhAPp2Wd5SsDrAVkd0Im5j24lYdcA2aa7Pu+abYFb8zJBaAAAAAWUBAgMEBQY=\n"                               \
	"-----END OPENSSH PRIVATE KEY-----\n"

/* ssh-keygen -Y sign -n git over SAMPLE_MESSAGE */
#define SAMPLE_SSHSIG                                                                                        \
	"-----BEGIN SSH SIGNATURE-----\n"                                                                    \
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgIcr8ch2EBctuBUCT9VUVKb1Jzz\n"                           \
	"AQWMfwb8t8IOBwvjAAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n"                           \
	"AAAAQF0Aeck+5TNCvKCsS5CVmru6j6Po7NHKn27u2clptlEK1GjhvALwZYxrGPh7mcF2WL\n"                           \
	"+FQIzxQpDThGS94seS+Qw=\n"                                                                           \
	"-----END SSH SIGNATURE-----\n"

/* the same with -O hashalg=sha256 */
#define SAMPLE_SSHSIG_SHA256                                                                                 \
	"-----BEGIN SSH SIGNATURE-----\n"                                                                    \
	"U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgIcr8ch2EBctuBUCT9VUVKb1Jzz\n"                           \
	"AQWMfwb8t8IOBwvjAAAAADZ2l0AAAAAAAAAAZzaGEyNTYAAABTAAAAC3NzaC1lZDI1NTE5\n"                           \
	"AAAAQDP3p0NAeabMSotP1tNiSo+qFQHeXwzaGR1mu6JSsduz1+MBeOF9tjlNh6YL39eLRE\n"                           \
	"TT5vmreoY/u+nw1RJoxws=\n"                                                                           \
	"-----END SSH SIGNATURE-----\n"

#endif
