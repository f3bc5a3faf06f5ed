package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// A verification that the target breaks off, whatever it was asked for, says
// what could not be checked, and ends with 1: neither 0 nor the code of
// differences (Y4). That no statement at all is without such a consequence is
// package verify's to prove.
func TestVerifyThatIsBrokenOffFailsY4(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone")
	for _, c := range []struct{ level, asked string }{
		{"digest", "pg_get_constraintdef"},
		{"digest", "COPY "},
		{"deep", "COPY "},
		{"counts", "count(*)"},
	} {
		cut := newProxy(t, b.target, func(_ int64, toServer bool, data []byte) bool {
			return !toServer || !bytes.Contains(data, []byte(c.asked))
		})
		r := run(t, "verify", "--source", withPassword(b.source.URL), "--target", cut.url(), "--level", c.level, "--profile", "postgres")
		require.Equal(t, Failed, r.code, "%s of level %s: %s\n%s", c.asked, c.level, r.err, r.out)
		require.NotContains(t, r.last(), "verified:")
	}
}
