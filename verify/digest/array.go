package digest

import "bytes"

// arrayForm writes an array's text with every element but NULL in quotes, as
// servers differ in which they quote. Shape and bounds stay as they are.
type arrayForm struct {
	element form   // nil leaves the elements as they are
	value   []byte // the element at hand, without quotes and escapes
	canon   []byte
}

// append implements form.
func (a *arrayForm) append(dst, text []byte) ([]byte, bool) {
	rest := text
	if len(rest) > 0 && rest[0] == '[' { // bounds: [0:1][2:3]={...}
		equals := bytes.IndexByte(rest, '=')
		if equals < 0 {
			return dst, false
		}
		dst = append(dst, rest[:equals+1]...)
		rest = rest[equals+1:]
	}
	if len(rest) == 0 || rest[0] != '{' {
		return dst, false
	}
	depth := 0
	wanted := true // an element or an inner array may come, else a comma or the end
	for at := 0; at < len(rest); {
		switch b := rest[at]; {
		case b == '{' && wanted:
			depth++
			dst = append(dst, b)
			at++
		case b == '}' && depth > 0 && (!wanted || dst[len(dst)-1] == '{'):
			depth--
			dst = append(dst, b)
			at++
			wanted = false
			if depth == 0 {
				return dst, at == len(rest)
			}
		case b == ',' && !wanted:
			dst = append(dst, b)
			at++
			wanted = true
		case b == ' ':
			at++
		case b == '{' || b == '}' || b == ',' || !wanted:
			return dst, false
		default:
			n, isNull, ok := a.take(rest[at:])
			if !ok {
				return dst, false
			}
			dst = a.write(dst, isNull)
			at += n
			wanted = false
		}
	}
	return dst, false // no end
}

// take reads the element that text begins with into a.value and returns its
// length in the text.
func (a *arrayForm) take(text []byte) (n int, isNull, ok bool) {
	a.value = a.value[:0]
	if text[0] != '"' {
		for ; n < len(text) && text[n] != ',' && text[n] != '}'; n++ {
			switch text[n] {
			case '{', '"':
				return 0, false, false
			case '\\':
				if n++; n == len(text) {
					return 0, false, false
				}
			}
			a.value = append(a.value, text[n])
		}
		a.value = bytes.TrimRight(a.value, " ")
		return n, bytes.EqualFold(text[:n], []byte("NULL")), true
	}
	for n = 1; n < len(text); n++ {
		switch text[n] {
		case '"':
			return n + 1, false, true
		case '\\':
			if n++; n == len(text) {
				return 0, false, false
			}
		}
		a.value = append(a.value, text[n])
	}
	return 0, false, false
}

func (a *arrayForm) write(dst []byte, isNull bool) []byte {
	if isNull {
		return append(dst, "NULL"...)
	}
	value := a.value
	if a.element != nil {
		if canon, ok := a.element(a.canon[:0], value); ok {
			a.canon, value = canon, canon
		}
	}
	dst = append(dst, '"')
	for _, b := range value {
		if b == '"' || b == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}
