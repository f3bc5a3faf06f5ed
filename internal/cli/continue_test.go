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
	flags := map[string][]string{
		"source": {someSource}, "target": {someTarget}, "include-schema": {"pub*"}, "primary-key": {"after"}, "owners": {"true"}, "roles": {"false"}, "jobs": {"3"},
	}
	both := `--source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET"`

	j := jobOf(t, 3, []int{1}, flags, nil)
	require.Empty(t, j.continuation(), "no run is in the ledger")
	j.claimed = true
	require.Equal(t, []string{"pg2db9 clone " + both + " --include-schema 'pub*' --primary-key after --owners --jobs 3 --resume"}, j.continuation())
	j.command = cmdCopy
	require.Equal(t, []string{"pg2db9 copy " + both + " --include-schema 'pub*' --primary-key after --owners --jobs 3 --resume"}, j.continuation())

	// A run that cannot even be looked at again is still there.
	j = jobOf(t, 0, nil, flags, nil)
	j.plan, j.resumed = nil, &copier.Run{}
	require.Len(t, j.continuation(), 1)

	// Statements that are missing have their command.
	j = jobOf(t, 1, nil, map[string][]string{"source": {someSource}, "target": {someTarget}, "apply": {"post-data"}}, nil)
	j.command = cmdSchema
	j.chosen = []ddlgen.Statement{{ID: "k", Phase: ddlgen.PhaseKeys, Object: finding.Object{Kind: "index"}}}
	require.Equal(t, []string{"pg2db9 schema " + both + " --apply post-data"}, j.continuation())
	j.applied = []*copier.Applied{{Done: []string{"k"}}}
	require.Empty(t, j.continuation())
}

// What came by environment or file comes from there again; a name that a
// pattern or a shell would change is quoted.
func TestContinuationRepeatsWhatWasGiven(t *testing.T) {
	t.Parallel()
	odd := catalog.Name{Schema: "odd Schema", Name: `it's "x"`}
	j := jobOf(t, 2, nil, map[string][]string{"target": {someTarget}, "profile": {"db9"}, "accept": {"type.refused:a.b c"}, "include-table": {catalog.Pattern(odd)}},
		map[string]string{"PG2DB9_SOURCE": someSource, "PG2DB9_JOBS": "7"})
	j.claimed = true
	all := strings.Join(j.continuation(), "\n")
	require.Equal(t, `pg2db9 clone --target "$PG2DB9_TARGET" --include-table '"odd Schema"."it'\''s ""x"""' --profile db9 --accept 'type.refused:a.b c' --resume`, all)
	noSecret(t, all)

	words := shellWords(t, j.continuation()[0], map[string]string{"PG2DB9_TARGET": "x y"})
	require.Equal(t, []string{
		"pg2db9", "clone", "--target", "x y", "--include-table", `"odd Schema"."it's ""x"""`, "--profile", "db9",
		"--accept", "type.refused:a.b c", "--resume",
	}, words)
	got, err := catalog.Filter{IncludeTables: []string{words[5]}}.Match([]catalog.TableRef{{Name: odd}, {Name: catalog.Name{Schema: "public", Name: "t0"}}})
	require.NoError(t, err)
	require.Equal(t, []catalog.Name{odd}, got)
}
