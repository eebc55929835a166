package frames

// Encrypted reports whether what a client sent first looks like TLS: a handshake record (RFC 8446, section 5.1), of which two
// bytes are enough.
func Encrypted(first []byte) bool {
	return len(first) >= 2 && first[0] == 0x16 && first[1] == 0x03
}
