package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// BrokenError says where a certificate is not as it was written.
type BrokenError struct {
	Entry  int // from 1; 0 is the file as such
	Reason string
}

func (e *BrokenError) Error() string {
	if e.Entry == 0 {
		return e.Reason
	}
	return fmt.Sprintf("entry %d %s", e.Entry, e.Reason)
}

func broken(entry int, format string, args ...any) error {
	return &BrokenError{Entry: entry, Reason: fmt.Sprintf(format, args...)}
}

// seal gives every entry its hash.
func (c *Certificate) seal() error {
	before := ""
	for i := range c.Entries {
		e := &c.Entries[i]
		text, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("sealing entry %d of the certificate: %w", i+1, err)
		}
		value, err := decode(text)
		if err != nil {
			return fmt.Errorf("sealing entry %d of the certificate: %w", i+1, err)
		}
		if e.Hash, err = link(before, value); err != nil {
			return fmt.Errorf("sealing entry %d of the certificate: %w", i+1, err)
		}
		before = e.Hash
	}
	c.Seal = before
	return nil
}

// link is the hash of an entry behind another's. An entry's own hash is no part
// of what it covers.
func link(before string, entry any) (string, error) {
	fields, ok := entry.(map[string]any)
	if !ok {
		return "", errors.New("it is no object")
	}
	delete(fields, "hash")
	text, err := canonical(fields)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(before), text...))
	return hex.EncodeToString(sum[:]), nil
}

// canonical is JSON without blanks, keys in byte order, numbers as they were
// written, and of a text only what JSON demands escaped: what Python's
// json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=False) gives.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	// Go escapes two line separators that JSON does not; a backslash before it
	// would be one of a pair.
	return unescapeSeparators(text), nil
}

func unescapeSeparators(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u202`)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		switch {
		case bytes.HasPrefix(text[i:], []byte(`\u2028`)):
			out = append(out, "\u2028"...)
			i += 5
		case bytes.HasPrefix(text[i:], []byte(`\u2029`)):
			out = append(out, "\u2029"...)
			i += 5
		default:
			out = append(out, text[i], text[i+1])
			i++
		}
	}
	return out
}

// Parse reads a certificate and checks its chain. A *BrokenError says that it is
// not as it was written.
func Parse(text []byte) (*Certificate, error) {
	value, err := decode(text)
	if err != nil {
		return nil, broken(0, "it is no certificate, or was changed: %v", err)
	}
	fields, _ := value.(map[string]any)
	if format, _ := fields["format"].(string); format != Format {
		return nil, broken(0, "its format is %q, and this version of pg2db9 reads %q", format, Format)
	}
	entries, _ := fields["entries"].([]any)
	summary, said := fields["summary"].(string)
	if len(entries) == 0 || !said || len(fields) != 4 {
		return nil, broken(0, "it must have a summary, a format, entries and a seal, and nothing else")
	}
	before := ""
	for i, e := range entries {
		entry, _ := e.(map[string]any)
		hash, _ := entry["hash"].(string)
		made, err := link(before, e)
		if err != nil {
			return nil, broken(i+1, "cannot be read: %v", err)
		}
		if made != hash {
			return nil, broken(i+1, "(%s) was changed, or one before it was added or removed: its hash is %s, and its text gives %s", title(entry), hash, made)
		}
		before = hash
	}
	if seal, _ := fields["seal"].(string); seal != before {
		return nil, broken(0, "its seal is %q, and the last entry's hash %q: an entry was added or removed at its end", seal, before)
	}
	c := &Certificate{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, broken(0, "it cannot be read: %v", err)
	}
	run := c.Entries[0].Run
	switch {
	case run == nil:
		return nil, broken(1, "must be that of the run")
	case run.Summary != summary:
		return nil, broken(0, "its first line is not that of its first entry: %q", run.Summary)
	case run.Entries != len(c.Entries):
		return nil, broken(0, "it has %d entries, and had %d when it was written", len(c.Entries), run.Entries)
	}
	return c, nil
}

// title says what an entry is of, as far as it can be read.
func title(entry map[string]any) string {
	kind, _ := entry["kind"].(string)
	body, _ := entry[kind].(map[string]any)
	if target, ok := body["target"].(map[string]any); ok {
		return fmt.Sprintf("%s %v.%v", kind, target["schema"], target["name"])
	}
	if kind == "" {
		return "of no kind"
	}
	return kind
}

// mostNested is far above what a certificate has.
const mostNested = 64

// decode reads one JSON value and nothing else. A key that stands twice is an
// error: readers would not agree on which of the values holds.
func decode(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("its text is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	return v, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	if depth > mostNested {
		return nil, errors.New("it is nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return decodeObject(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}

func decodeObject(d *json.Decoder, depth int) (any, error) {
	fields := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("key %q stands twice", key)
		}
		if fields[key], err = decodeValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return fields, err
}
