package quote_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestQuote(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"a""b"."C d"`, quote.Name(`a"b`, "C d"))
	require.Equal(t, `"select"`, quote.Name("", "select"))
	require.Equal(t, `"a", "b"`, quote.Idents([]string{"a", "b"}))
	require.Equal(t, `'it''s'`, quote.Literal("it's"))
	require.Equal(t, ` E'a\\b'''`, quote.Literal(`a\b'`))
}

// Any text survives as a literal and as an identifier, under either setting of
// standard_conforming_strings (N1 to N4).
func TestQuoteSurvivesTheServer(t *testing.T) {
	t.Parallel()
	conn := pgtest.Server(t).Database(t).Conn(t)
	for _, setting := range []string{"on", "off"} {
		_, err := conn.Exec(t.Context(), "SET standard_conforming_strings = "+setting)
		require.NoError(t, err)
		rapid.Check(t, func(r *rapid.T) {
			runes := rapid.OneOf(rapid.RuneFrom([]rune(`"'\$%;.,-/* `+"\n\t")), rapid.RuneFrom([]rune("aZ9é中😀")))
			text := rapid.StringOfN(runes, 1, 40, 63).Draw(r, "text")
			results, err := conn.PgConn().Exec(t.Context(), fmt.Sprintf("SELECT %s AS %s", quote.Literal(text), quote.Ident(text))).ReadAll()
			if err != nil {
				r.Fatal(err)
			}
			name, got := results[0].FieldDescriptions[0].Name, string(results[0].Rows[0][0])
			if got != text || name != text {
				r.Fatalf("%q came back as %q under the name %q", text, got, name)
			}
		})
	}
}
