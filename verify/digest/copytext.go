package digest

import "bytes"

// escapes are the letters that COPY TEXT writes after a backslash, by byte.
var escapes = [256]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v', '\\': '\\'}

// unescapes is the way back, by letter.
var unescapes = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// AppendEscaped appends a value as COPY TO writes it in TEXT format: the field
// that a row in COPY TEXT form has for it. It may be given a value in pieces.
// NULL has no value; its field is Null.
func AppendEscaped(dst, value []byte) []byte {
	from := 0
	for i, b := range value {
		if e := escapes[b]; e != 0 {
			dst = append(append(dst, value[from:i]...), '\\', e)
			from = i + 1
		}
	}
	return append(dst, value[from:]...)
}

// Null is the field of NULL in COPY TEXT.
const Null = `\N`

// AppendUnescaped appends the value of a field that COPY TO wrote. COPY TO
// writes neither octal nor hexadecimal escapes.
func AppendUnescaped(dst, field []byte) []byte {
	for {
		i := bytes.IndexByte(field, '\\')
		if i < 0 || i+1 == len(field) {
			return append(dst, field...)
		}
		dst = append(dst, field[:i]...)
		b := field[i+1]
		if u := unescapes[b]; u != 0 {
			b = u
		}
		dst = append(dst, b)
		field = field[i+2:]
	}
}
