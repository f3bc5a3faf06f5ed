package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
)

// jobOf is a job of a clone with tables t0, t1, ..., those of bad not complete.
func jobOf(t *testing.T, tables int, bad []int, flags map[string][]string, env map[string]string) *job {
	t.Helper()
	cfg, err := config.Resolve(config.Input{Flags: flags, Getenv: func(n string) string { return env[n] }})
	require.NoError(t, err)
	j := &job{command: cmdClone, opts: &options{Config: cfg}, plan: &ddlgen.Plan{}, copied: &copier.Result{}, incomplete: map[catalog.Name]error{}}
	for i := range tables {
		n := catalog.Name{Schema: "public", Name: fmt.Sprintf("t%d", i)}
		j.plan.Transfers = append(j.plan.Transfers, ddlgen.Transfer{Source: n, Target: n})
	}
	for _, i := range bad {
		j.incomplete[catalog.Name{Schema: "public", Name: fmt.Sprintf("t%d", i)}] = errors.New("x")
	}
	return j
}

func TestContinuation(t *testing.T) {
	t.Parallel()
	flags := map[string][]string{"source": {someSource}, "target": {someTarget}, "include-schema": {"pub*"}}
	both := `--source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET"`

	j := jobOf(t, 3, []int{1}, flags, nil)
	require.Equal(t, []string{
		"pg2db9 copy " + both + " --include-table public.t1 --on-existing truncate",
		"pg2db9 verify " + both + " --include-schema 'pub*'",
	}, j.continuation())

	j = jobOf(t, 3, []int{0, 1, 2}, flags, nil)
	require.Equal(t, "pg2db9 copy "+both+" --include-schema 'pub*' --on-existing truncate", j.continuation()[0], "all: the user's own choice")

	// What failed is more than what did not, and both are many.
	var bad []int
	for i := range 200 {
		bad = append(bad, i)
	}
	j = jobOf(t, 202, bad, flags, nil)
	require.Equal(t, "pg2db9 copy "+both+" --include-schema 'pub*' --exclude-table public.t200 --exclude-table public.t201 --on-existing truncate", j.continuation()[0])

	// Statements and sequences that are missing have their commands.
	j = jobOf(t, 1, nil, flags, nil)
	j.plan.Statements = []ddlgen.Statement{{ID: "k", Phase: ddlgen.PhaseKeys, Object: finding.Object{Kind: "index"}}}
	j.plan.Sequences = []ddlgen.SequenceValue{{}}
	require.Equal(t, []string{
		"pg2db9 schema " + both + " --include-schema 'pub*' --apply post-data",
		"pg2db9 sequences " + both + " --include-schema 'pub*' --set",
		"pg2db9 verify " + both + " --include-schema 'pub*'",
	}, j.continuation())
	j.applied = []*copier.Applied{{Done: []string{"k"}}}
	j.sequences = []copier.SequenceResult{{}}
	require.Len(t, j.continuation(), 1)

	// Tables alone stand there.
	j = jobOf(t, 1, nil, flags, nil)
	j.copied = nil
	require.Equal(t, []string{"pg2db9 clone " + both + " --include-schema 'pub*' --on-existing drop"}, j.continuation())
}

// What came by environment or file comes from there again; a name that a
// pattern or a shell would change is quoted.
func TestContinuationRepeatsWhatWasGiven(t *testing.T) {
	t.Parallel()
	j := jobOf(t, 2, nil, map[string][]string{"target": {someTarget}, "profile": {"db9"}, "accept": {"type.refused:a.b c"}},
		map[string]string{"PG2DB9_SOURCE": someSource})
	odd := catalog.Name{Schema: "odd Schema", Name: `it's "x"`}
	j.plan.Transfers = append(j.plan.Transfers, ddlgen.Transfer{Source: odd, Target: odd})
	j.incomplete[odd] = errors.New("x")
	all := strings.Join(j.continuation(), "\n")
	require.Equal(t, `pg2db9 copy --target "$PG2DB9_TARGET" --include-table '"odd Schema"."it'\''s ""x"""' --profile db9 --accept 'type.refused:a.b c' --on-existing truncate
pg2db9 verify --target "$PG2DB9_TARGET" --profile db9 --accept 'type.refused:a.b c'`, all)
	noSecret(t, all)

	words := shellWords(t, j.continuation()[0], map[string]string{"PG2DB9_TARGET": "x y"})
	require.Equal(t, []string{
		"pg2db9", "copy", "--target", "x y", "--include-table", `"odd Schema"."it's ""x"""`, "--profile", "db9",
		"--accept", "type.refused:a.b c", "--on-existing", "truncate",
	}, words)
	got, err := catalog.Filter{IncludeTables: []string{words[5]}}.Match([]catalog.TableRef{{Name: odd}, {Name: catalog.Name{Schema: "public", Name: "t0"}}})
	require.NoError(t, err)
	require.Equal(t, []catalog.Name{odd}, got)
}
