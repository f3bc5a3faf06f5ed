package probe

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// docs/db9.md is made from the probes and rules: UPDATE=1 writes it.
func TestDocument(t *testing.T) {
	t.Parallel()
	const path = "../../docs/db9.md"
	want := document()
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run UPDATE=1 go test ./internal/probe -run Document")
}

const documentHead = `# DB9 as a target: what is asked, and what the answers change

DB9 publishes no version that means anything, and its pages contradict each other. So pg2db9 asks the target itself:
"pg2db9 probe --target URL" shows every answer with its evidence, and "clone", "copy", "verify" and "schema" ask at their
start (at most once in 24 hours a target; "--probe auto|always|never"). No rule on this page looks at a version number.

This page is made from the probes and rules themselves (UPDATE=1 go test ./internal/probe -run Document).

## What an outcome means

Each probe has one claim: that the target does as PostgreSQL does. Beside it stands an assumption, which is always the
safer one.

| outcome | meaning |
| --- | --- |
| proved | the target showed that the claim holds. Only this lets pg2db9 do more than it assumes |
| refuted | the target showed that it does not; the finding says what it does instead |
| assumed | in doubt: an error, a timeout, a lost connection, a right that the role lacks, or an answer that shows nothing. The assumption is kept |
| skipped | "--skip-probe" or "--only" left it out. The assumption is kept |

A probe works on connections of its own (at most four at once, "--jobs"), has 30 seconds (the one that sends megabytes 120), and makes what it needs in
schema "_pg2db9_probe". That schema is dropped at the end in any case, also after an error or an interrupt; where it
cannot be, it is named. A schema of that name that holds anything but the probes' own tables is left alone, and the
probes that need it are not made. The row security probe makes a role in a transaction that it rolls back.

Against a stand-in ("version()" names db9sim) every report says that what it shows is simulated.

## Probes

`

func document() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(documentHead, `"`, "`"))
	b.WriteString("| | name | topic | claim | assumed unless proved | changes |\n| ---: | --- | --- | --- | --- | --- |\n")
	for _, p := range probes {
		var fields []string
		for _, r := range rules {
			if slices.Contains(r.Probes, p.number) {
				fields = append(fields, "`"+strings.ReplaceAll(r.Field, ", ", "`, `")+"`")
			}
		}
		changes := strings.Join(fields, ", ")
		switch {
		case p.number == CopyForms || p.number == CopyAtomicity:
			changes = strings.TrimPrefix(changes+", blocks the run where COPY cannot be relied on", ", ")
		case changes == "":
			changes = "the report"
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | %s | %s |\n", p.number, p.name, p.topic, p.claim, p.assume, changes)
	}
	b.WriteString("\n## Rules: which facts change what\n\nA profile file (`--profile FILE`) has the same fields. A fact in doubt changes nothing.\n\n")
	b.WriteString("| field | probes | default of `db9` | when | then |\n| --- | --- | --- | --- | --- |\n")
	defaults := fields(ddlgen.DB9())
	for _, r := range rules {
		var numbers, was []string
		for _, n := range r.Probes {
			numbers = append(numbers, fmt.Sprint(n))
		}
		for name := range strings.SplitSeq(r.Field, ", ") {
			was = append(was, "`"+string(defaults[name])+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", strings.ReplaceAll(r.Field, ", ", "`, `"), strings.Join(numbers, ", "),
			strings.Join(was, ", "), r.When, r.Then)
	}
	b.WriteString(strings.ReplaceAll(documentTail, `"`, "`"))
	return b.String()
}

const documentTail = `
Two facts block a run before anything is written, and cannot be accepted: rows of a COPY that stay when its transaction
is rolled back ("target.copy-not-atomic"), and COPY TEXT that does not store what was sent ("target.copy-refused").

## What is always assumed

No probe changes these:

- The type map: "smallint", "real", "char(n)" and all types that no page of DB9 lists travel as other types, whatever
  probes 7 and 8 say; columns are read back after each CREATE TABLE.
- Arrays stay arrays, whatever probe 12 says: elements that a target changed are found by verification, as differences.
- A batch is one transaction of at most 5,000 rows and 2 MB, with its ledger row inside; its tag is compared with the
  rows sent. Nothing goes on after a timeout (57014): the connection is closed.
- Text is UTF-8, looked at by pg2db9 itself. COPY is TEXT, never CSV or binary. Results are text.
- Advisory locks are no mutex. Triggers always fire: they are made after the rows. Foreign keys follow the rows.
- Partitions and inheritance are flattened, row security is not carried, extensions are the nine.
- OIDs may be wider than 32 bits: no query casts to regclass, none is read as a number.
- Every error is tried again only after the ledger was read.
- A credential may expire: commands for secrets are asked at every connect.
`
