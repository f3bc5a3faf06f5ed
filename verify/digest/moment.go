package digest

import "bytes"

// appendTime appends a time of day, hours to 24, without the zeros at the end
// of its fraction.
func appendTime(dst, value []byte) ([]byte, bool) {
	n := clock(value)
	if n < 0 || n != len(value) {
		return dst, false
	}
	return append(dst, trimFraction(value)...), true
}

func appendTimestamp(dst, value []byte) ([]byte, bool) { return appendMoment(dst, value, false) }

func appendTimestampTZ(dst, value []byte) ([]byte, bool) { return appendMoment(dst, value, true) }

// utc are the ways in which servers write the offset of UTC. A text without one
// is in the session's zone, which is UTC too.
var utc = map[string]bool{"": true, "Z": true, "+00": true, "-00": true, "+00:00": true, "-00:00": true, "+0000": true}

// appendMoment appends a timestamp in ISO form: date, time without the zeros at
// the end of its fraction, the offset of UTC where zoned, and the era.
func appendMoment(dst, value []byte, zoned bool) ([]byte, bool) {
	switch string(value) {
	case "infinity", "-infinity":
		return append(dst, value...), true
	}
	rest, bc := bytes.CutSuffix(value, []byte(" BC"))
	at := bytes.IndexAny(rest, " T")
	if at < 0 || !isDate(rest[:at]) {
		return dst, false
	}
	date, rest := rest[:at], rest[at+1:]
	n := clock(rest)
	if n < 0 || zoned && !utc[string(rest[n:])] || !zoned && n != len(rest) {
		return dst, false
	}
	dst = append(append(append(dst, date...), ' '), trimFraction(rest[:n])...)
	if zoned {
		dst = append(dst, "+00"...)
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst, true
}

// isDate reports YYYY-MM-DD, with more digits for far years.
func isDate(b []byte) bool {
	n := len(b)
	return n >= len("2000-01-01") && b[n-3] == '-' && b[n-6] == '-' &&
		digitsOnly(b[:n-6]) && digitsOnly(b[n-5:n-3]) && digitsOnly(b[n-2:])
}

// clock returns the length of the HH:MM:SS[.ffffff] that b begins with, -1 when
// it does not.
func clock(b []byte) int {
	const n = len("00:00:00")
	if len(b) < n || b[2] != ':' || b[5] != ':' || !digitsOnly(b[:2]) || !digitsOnly(b[3:5]) || !digitsOnly(b[6:n]) {
		return -1
	}
	if len(b) == n || b[n] != '.' {
		return n
	}
	end := n + 1
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	if end == n+1 {
		return -1
	}
	return end
}

// trimFraction drops the zeros at the end of a fraction, and the point when
// nothing is left of it.
func trimFraction(b []byte) []byte {
	if bytes.IndexByte(b, '.') < 0 {
		return b
	}
	return bytes.TrimSuffix(bytes.TrimRight(b, "0"), []byte("."))
}
