package db9sim

import "bytes"

// unescapeText appends the value of a field of COPY TEXT. Without hexDigits
// the escape \x41 is the three characters x41, as DB9 reads it.
func unescapeText(dst, raw []byte, hexDigits bool) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 == len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		b := raw[i+1]
		raw = raw[i+2:]
		switch {
		case b >= '0' && b <= '7':
			n := b - '0'
			for range 2 {
				if len(raw) == 0 || raw[0] < '0' || raw[0] > '7' {
					break
				}
				n = n<<3 | (raw[0] - '0')
				raw = raw[1:]
			}
			dst = append(dst, n)
		case b == 'x' && hexDigits && len(raw) > 0 && isHex(raw[:1]):
			var n byte
			for range 2 {
				if len(raw) == 0 || !isHex(raw[:1]) {
					break
				}
				n = n<<4 | hexValue(raw[0])
				raw = raw[1:]
			}
			dst = append(dst, n)
		default:
			dst = append(dst, escapedBy(b))
		}
	}
}

func hexValue(b byte) byte {
	if isDigit(b) {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}

// escapedBy is the character that a backslash and b stand for.
func escapedBy(b byte) byte {
	switch b {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return b
}

// escapeText appends a value as a field of COPY TEXT.
func escapeText(dst, value []byte) []byte {
	for _, b := range value {
		switch b {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// dropHexEscapes makes \x41 into x41. A line without it comes back as it is.
func dropHexEscapes(line []byte) []byte {
	from := 0
	for {
		i := bytes.IndexByte(line[from:], '\\')
		if i < 0 || from+i+1 >= len(line) {
			return line
		}
		if at := from + i; line[at+1] == 'x' {
			out := append([]byte(nil), line[:at]...)
			return append(out, dropHexEscapes(line[at+1:])...)
		}
		from += i + 2
	}
}
