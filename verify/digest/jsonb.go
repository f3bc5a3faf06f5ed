package digest

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// deepestJSON bounds recursion; PostgreSQL's own stack allows fewer levels.
const deepestJSON = 20_000

// jsonForm writes a JSON value with the keys of each object in the order of
// their bytes, numbers by value, and strings with the escapes that they need
// alone. A key that stands twice stays twice, in its order: jsonb has none.
// Numbers are never brought into a machine's: long ones would lose digits.
type jsonForm struct {
	text  []byte
	at    int
	depth int
	moved []byte // an object's members while they are put in order
}

type member struct {
	key        []byte // decoded
	start, end int    // in the output: "key":value
}

// append implements form.
func (j *jsonForm) append(dst, text []byte) ([]byte, bool) {
	j.text, j.at, j.depth = text, 0, 0
	dst, ok := j.value(dst)
	j.blanks()
	return dst, ok && j.at == len(j.text)
}

func (j *jsonForm) blanks() {
	for j.at < len(j.text) && (j.text[j.at] == ' ' || j.text[j.at] == '\t' || j.text[j.at] == '\n' || j.text[j.at] == '\r') {
		j.at++
	}
}

// next skips blanks and returns the byte that follows, 0 at the end.
func (j *jsonForm) next() byte {
	j.blanks()
	if j.at == len(j.text) {
		return 0
	}
	return j.text[j.at]
}

func (j *jsonForm) value(dst []byte) ([]byte, bool) {
	j.depth++
	defer func() { j.depth-- }()
	switch b := j.next(); {
	case j.depth > deepestJSON:
		return dst, false
	case b == '{':
		return j.object(dst)
	case b == '[':
		return j.array(dst)
	case b == '"':
		s, ok := j.decoded(nil)
		return appendJSONString(dst, s), ok
	case b == '-' || b >= '0' && b <= '9':
		return j.number(dst)
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(j.text[j.at:], []byte(word)) {
			j.at += len(word)
			return append(dst, word...), true
		}
	}
	return dst, false
}

func (j *jsonForm) number(dst []byte) ([]byte, bool) {
	start := j.at
	for j.at < len(j.text) && bytes.IndexByte([]byte("0123456789+-.eE"), j.text[j.at]) >= 0 {
		j.at++
	}
	return appendNumeric(dst, j.text[start:j.at])
}

func (j *jsonForm) array(dst []byte) ([]byte, bool) {
	j.at++
	dst = append(dst, '[')
	if j.next() == ']' {
		j.at++
		return append(dst, ']'), true
	}
	for {
		var ok bool
		if dst, ok = j.value(dst); !ok {
			return dst, false
		}
		switch j.next() {
		case ',':
			j.at++
			dst = append(dst, ',')
		case ']':
			j.at++
			return append(dst, ']'), true
		default:
			return dst, false
		}
	}
}

func (j *jsonForm) object(dst []byte) ([]byte, bool) {
	j.at++
	dst = append(dst, '{')
	if j.next() == '}' {
		j.at++
		return append(dst, '}'), true
	}
	first := len(dst)
	var members []member
	for {
		if j.next() != '"' {
			return dst, false
		}
		key, ok := j.decoded(nil)
		if !ok || j.next() != ':' {
			return dst, false
		}
		j.at++
		m := member{key: key, start: len(dst)}
		dst = append(appendJSONString(dst, key), ':')
		if dst, ok = j.value(dst); !ok {
			return dst, false
		}
		m.end = len(dst)
		members = append(members, m)
		switch j.next() {
		case ',':
			j.at++
		case '}':
			j.at++
			return append(j.sorted(dst, first, members), '}'), true
		default:
			return dst, false
		}
	}
}

// sorted puts the members, which stand one after the other from first on, in
// the order of their keys, with commas between them.
func (j *jsonForm) sorted(dst []byte, first int, members []member) []byte {
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(a.key, b.key) })
	j.moved = append(j.moved[:0], dst[first:]...)
	dst = dst[:first]
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, j.moved[m.start-first:m.end-first]...)
	}
	return dst
}

// decoded reads the string that stands at j.at.
func (j *jsonForm) decoded(dst []byte) ([]byte, bool) {
	for j.at++; j.at < len(j.text); j.at++ {
		switch b := j.text[j.at]; b {
		case '"':
			j.at++
			return dst, true
		case '\\':
			j.at++
			var ok bool
			if dst, ok = j.escape(dst); !ok {
				return dst, false
			}
		default:
			dst = append(dst, b)
		}
	}
	return dst, false
}

// escape reads what follows a backslash and leaves j.at on its last byte.
func (j *jsonForm) escape(dst []byte) ([]byte, bool) {
	if j.at == len(j.text) {
		return dst, false
	}
	switch b := j.text[j.at]; b {
	case '"', '\\', '/':
		return append(dst, b), true
	case 'b', 'f', 'n', 'r', 't':
		return append(dst, unescapes[b]), true
	case 'u':
		r, ok := j.hex()
		if ok && utf16.IsSurrogate(r) {
			// A half of a pair alone is no character: replaced, it would be equal to others.
			if j.at+2 >= len(j.text) || j.text[j.at+1] != '\\' || j.text[j.at+2] != 'u' {
				return dst, false
			}
			j.at += 2
			var low rune
			if low, ok = j.hex(); ok {
				r = utf16.DecodeRune(r, low)
				ok = r != utf8.RuneError
			}
		}
		return utf8.AppendRune(dst, r), ok
	}
	return dst, false
}

// hex reads the four digits behind the u at j.at.
func (j *jsonForm) hex() (rune, bool) {
	if j.at+4 >= len(j.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(j.text[j.at+1:j.at+5]), 16, 16)
	j.at += 4
	return rune(n), err == nil
}

func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, b := range s {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[b>>4], "0123456789abcdef"[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}
