package ddlgen

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// archive is a text archive: a comment, then files after lines "-- name --".
type archive struct {
	comment string
	files   []archiveFile
}

type archiveFile struct{ name, data string }

func parseArchive(text string) *archive {
	a := &archive{}
	into := &a.comment
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		if name, marker := strings.CutSuffix(name, " --"); ok && marker {
			a.files = append(a.files, archiveFile{name: name})
			into = &a.files[len(a.files)-1].data
			continue
		}
		*into += line
	}
	return a
}

func (a *archive) String() string {
	var b strings.Builder
	b.WriteString(a.comment)
	for _, f := range a.files {
		b.WriteString("-- " + f.name + " --\n" + f.data)
	}
	return b.String()
}

func TestArchive(t *testing.T) {
	t.Parallel()
	text := "what\n\n-- a --\none\n-- phase: x\n-- b --\n"
	a := parseArchive(text)
	require.Equal(t, []archiveFile{{"a", "one\n-- phase: x\n"}, {"b", ""}}, a.files)
	require.Equal(t, text, a.String())
}
