package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Y11: a verification that was killed is gone on with by the next process: parts
// that it had finished are not read again, and the answer is that of one that
// nobody broke off.
func TestVerifyThatIsKilledY11(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE big (id int PRIMARY KEY, v text); ALTER TABLE big ALTER v SET STORAGE plain; INSERT INTO big SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 3500) i;
		CREATE TABLE other (id int PRIMARY KEY, v text); ALTER TABLE other ALTER v SET STORAGE plain; INSERT INTO other SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 1000) i`)
	b.ok(t, "clone", "--profile", "postgres")
	b.target.Exec(t, "UPDATE other SET v = 'y' WHERE id = 77; DELETE FROM other WHERE id = 5")
	unbroken, want := b.reported(t, "verify", "--profile", "postgres", "--level", "rows")
	require.Equal(t, Differences, unbroken.code, unbroken.err)

	state := filepath.Join(t.TempDir(), "state.jsonl")
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToClient, After: 25 << 20, Times: 9})
	args := []string{"verify", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--profile", "postgres", "--level", "rows", "--state", state, "--jobs", "1"}
	p := start(t, args...)
	select {
	case <-hit.Fired():
	case err := <-p.done:
		t.Fatalf("it ended: %v\n%s", err, p.err)
	}
	finished := func() int {
		text, err := os.ReadFile(state)
		require.NoError(t, err)
		return strings.Count(string(text), " read ")
	}
	eventually(t, "parts are recorded", func() bool { return finished() > 0 })
	p.kill(t)
	before := finished()
	hit.Release()

	report := filepath.Join(t.TempDir(), "r.json")
	r := run(t, append(args, "--resume", "--report", report)...)
	require.Equal(t, Differences, r.code, r.err)
	got := readReport(t, report)
	for i, table := range got.Tables {
		require.Equal(t, [3]string{want.Tables[i].Verdict, want.Tables[i].SourceDigest, want.Tables[i].TargetDigest}, [3]string{table.Verdict, table.SourceDigest, table.TargetDigest}, table.Target)
		require.Equal(t, want.Tables[i].Found, table.Found)
	}
	big := got.Tables[0]
	require.Equal(t, "public.big", big.Target)
	require.Regexp(t, `; \d+ of \d+ parts were read since .* by a run that was interrupted`, big.Detail)
	require.GreaterOrEqual(t, before, 1)
	require.NoFileExists(t, state, "it came to its end")
}
