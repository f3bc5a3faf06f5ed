package sqltext

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func texts(tokens []Token) []string {
	var out []string
	for _, t := range Significant(tokens) {
		out = append(out, t.Text)
	}
	return out
}

func TestTokenize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		want      []string
	}{
		{"nested comments", "a /* b /* c */ 'd' */ e -- f\ng", []string{"a", "e", "g"}},
		{"a comment in an operator", "a+/* b */-c", []string{"a", "+", "-", "c"}},
		{"strings of every form", `'a''b' E'c\'d' B'1' X'1F' N'e' U&'\0041' $$f'$$ $x$g$$h$x$`, []string{`'a''b'`, `E'c\'d'`, `B'1'`, `X'1F'`, `N'e'`, `U&'\0041'`, `$$f'$$`, `$x$g$$h$x$`}},
		{"a backslash is a backslash", `'\'||'a'`, []string{`'\'`, `||`, `'a'`}},
		{"names", `"a""b".C U&"d" e$1`, []string{`"a""b"`, ".", "C", `U&"d"`, "e$1"}},
		{"parameters", "$1+$22", []string{"$1", "+", "$22"}},
		{"numbers and ranges", "1..10 1.5 .5 1e-3 0x1F 1_000 2..n", []string{"1", "..", "10", "1.5", ".5", "1e-3", "0x1F", "1_000", "2", "..", "n"}},
		{"assignments", "a:=1;b[1:2]::int", []string{"a", ":=", "1", ";", "b", "[", "1", ":", "2", "]", "::", "int"}},
		{"a string without an end", "a 'b", []string{"a", "'b"}},
		{"a dollar quote without an end", "a $x$ b $y$", []string{"a", "$x$ b $y$"}},
		{"a comment without an end", "a /* b", []string{"a"}},
		{"an escape at the end", `E'\`, []string{`E'\`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, texts(Tokenize(tt.sql)))
		})
	}
	old := Options{Backslashes: true}
	require.Equal(t, []string{`'a\''`, "b", `U&'\'`, `N'\''`}, texts(old.Tokenize(`'a\''b U&'\' N'\''`)))
}

func TestIdent(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"Abc": "abc", `"Abc"`: "Abc", `"a""b"`: `a"b`, `U&"d\0061t\+000061"`: "data", `u&"a\\b"`: `a\b`, `U&"\zzzz"`: `\zzzz`, `U&"\00"`: `\00`,
	} {
		got, ok := Tokenize(sql)[0].Ident()
		require.True(t, ok, sql)
		require.Equal(t, want, got, sql)
	}
	for _, sql := range []string{"'a'", "1", "(", `"`, "+", " "} {
		_, ok := Tokenize(sql)[0].Ident()
		require.False(t, ok, sql)
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{"'it''s'": "it's", "$x$a'b$x$": "a'b", "$$$$": "", `U&'\0061'`: "a", "N'x'": "x", "'open": "open", "''": ""} {
		got, ok := Tokenize(sql)[0].Value()
		require.True(t, ok, sql)
		require.Equal(t, want, got, sql)
	}
	_, ok := Tokenize("a")[0].Value()
	require.False(t, ok)
}

func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sql := rapid.StringOf(rapid.RuneFrom([]rune(`'"$\/*-ab1 .:=()[],;éEUxNu&+#<>`))).Draw(t, "sql")
		for _, o := range []Options{{}, {Backslashes: true}} {
			tokens := o.Tokenize(sql)
			require.Equal(t, sql, Join(tokens))
			at := 0
			for _, tok := range tokens {
				require.Equal(t, at, tok.Offset)
				require.NotEmpty(t, tok.Text)
				at += len(tok.Text)
				_, isName := tok.Ident()
				_, isValue := tok.Value()
				require.False(t, isName && isValue)
			}
		}
	})
}
