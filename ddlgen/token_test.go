package ddlgen

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func kindsOf(sql string) []tokenKind {
	var out []tokenKind
	for _, t := range significant(tokenize(sql)) {
		out = append(out, t.kind)
	}
	return out
}

func textsOf(sql string) []string {
	var out []string
	for _, t := range significant(tokenize(sql)) {
		out = append(out, t.text)
	}
	return out
}

func TestTokenize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		sql  string
		want []string
	}{
		{"cast", `'a'::text`, []string{`'a'`, `::`, `text`}},
		{"doubled quote", `'it''s'::text`, []string{`'it''s'`, `::`, `text`}},
		{"backslash in a plain string", `'a\'||'b'`, []string{`'a\'`, `||`, `'b'`}},
		{"backslash in an E string", `E'a\'b'||c`, []string{`E'a\'b'`, `||`, `c`}},
		{"quoted identifier", `"a ""b"" c".d`, []string{`"a ""b"" c"`, `.`, `d`}},
		{"dollar quotes", `$x$ 'a' $x$ || $1`, []string{`$x$ 'a' $x$`, `||`, `$1`}},
		{"comments", "a -- b'\n+ /* c /* d */ e */ f", []string{"a", "+", "f"}},
		{"numbers", `-1.5e-3+.5`, []string{`-`, `1.5e-3`, `+`, `.5`}},
		{"bits", `B'101'::"bit"`, []string{`B'101'`, `::`, `"bit"`}},
		{"array slice", `a[1:2]`, []string{`a`, `[`, `1`, `:`, `2`, `]`}},
		{"non-ASCII", `größe > 1`, []string{`größe`, `>`, `1`}},
		{"unfinished string", `'a`, []string{`'a`}},
		{"unfinished name", `"`, []string{`"`}},
		{"empty", ``, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, textsOf(tt.sql))
		})
	}
	require.Equal(t, []tokenKind{tokWord, tokOther, tokString}, kindsOf("value = 'value'"))
}

func TestTokenizeLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sql := rapid.StringOf(rapid.RuneFrom([]rune(`'"$\/*-ab1 .:()[],;éE&u`))).Draw(t, "sql")
		require.Equal(t, sql, join(tokenize(sql)))
		for _, tok := range tokenize(sql) {
			_, isName := tok.ident()
			require.False(t, isName && tok.kind == tokString)
		}
	})
}
