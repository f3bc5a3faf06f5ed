package copier

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// A long value that is brought into a statement piece by piece is the literal that
// a short one would be, wherever escapes and quotes fall between the pieces.
func TestLongLiteralIsTheShortOne(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, alphabet := range []string{`a`, `a'`, "a\t\n", `\`, `a\'`, "\\\n\té€"} {
		runes := []rune(alphabet)
		for range 6 {
			var text strings.Builder
			for text.Len() < 2*literalPiece+r.IntN(5) {
				text.WriteRune(runes[r.IntN(len(runes))])
			}
			value := text.String()
			var b strings.Builder
			writeLongLiteral(&b, digest.AppendEscaped(nil, []byte(value)))
			require.True(t, literalOf(&value) == b.String(), "%q", alphabet) //nolint:testifylint // megabytes are not to be printed
		}
	}
}
