package db9sim

import (
	"bytes"
	"strconv"
)

// guessing is how much of an array's elements is read as something else.
type guessing int

const (
	guessNone    guessing = iota // elements stay, only the array's form is lost
	guessNumbers                 // numbers pass through 64-bit integers and floats
	guessAll                     // also true, false and NULL, in quotes too
)

// fixArray reads an array literal as a list without depth: bounds are
// malformed, inner braces are part of the elements, blanks around elements go,
// and the type of an element is guessed from its text.
func fixArray(dst, raw []byte, guess guessing) ([]byte, bool, *valueError) {
	text := unescapeText(nil, raw, true)
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) < 2 || trimmed[0] != '{' || trimmed[len(trimmed)-1] != '}' {
		return dst, false, badValue("22P02", "malformed array literal: %q", text)
	}
	out := []byte{'{'}
	for body, first := trimmed[1:len(trimmed)-1], true; len(body) > 0 || !first; first = false {
		var element []byte
		var quoted, more bool
		element, quoted, body, more = nextElement(body)
		out = appendElement(out, element, quoted, guess)
		if !more {
			break
		}
		out = append(out, ',')
	}
	out = append(out, '}')
	if bytes.Equal(out, text) {
		return dst, false, nil
	}
	return escapeText(dst, out), true, nil
}

// nextElement cuts at the next comma that stands outside quotes.
func nextElement(body []byte) (element []byte, quoted bool, rest []byte, more bool) {
	inQuotes := false
	for i := 0; i < len(body); i++ {
		switch b := body[i]; {
		case b == '\\' && i+1 < len(body):
			i++
			element = append(element, body[i])
		case b == '"':
			inQuotes, quoted = !inQuotes, true
		case b == ',' && !inQuotes:
			return element, quoted, body[i+1:], true
		default:
			element = append(element, b)
		}
	}
	return element, quoted, nil, false
}

func appendElement(out, element []byte, quoted bool, guess guessing) []byte {
	element = bytes.TrimSpace(element)
	if string(element) == "NULL" && (!quoted || guess == guessAll) {
		return append(out, "NULL"...)
	}
	if guess >= guessNumbers && looksNumeric(element) {
		if n, err := strconv.ParseInt(string(element), 10, 64); err == nil {
			return strconv.AppendInt(out, n, 10)
		}
		if f, err := strconv.ParseFloat(string(element), 64); err == nil {
			return strconv.AppendFloat(out, f, 'f', -1, 64)
		}
	}
	if guess == guessAll {
		for _, word := range []string{"true", "false"} {
			if bytes.EqualFold(element, []byte(word)) {
				return append(out, word...)
			}
		}
	}
	if !quoted && len(element) > 0 && !bytes.ContainsAny(element, "{}\"\\, ") {
		return append(out, element...)
	}
	return appendQuoted(out, element)
}

// appendQuoted writes an array's element in quotes.
func appendQuoted(out, element []byte) []byte {
	out = append(out, '"')
	for _, b := range element {
		if b == '"' || b == '\\' {
			out = append(out, '\\')
		}
		out = append(out, b)
	}
	return append(out, '"')
}

// looksNumeric spares the words that number parsers know: inf, nan, 0x10.
func looksNumeric(s []byte) bool {
	digits := false
	for i, b := range s {
		switch {
		case isDigit(b):
			digits = true
		case (b == '+' || b == '-') && (i == 0 || s[i-1]|0x20 == 'e'), b == '.':
		case b|0x20 == 'e' && digits && i+1 < len(s):
		default:
			return false
		}
	}
	return digits
}
