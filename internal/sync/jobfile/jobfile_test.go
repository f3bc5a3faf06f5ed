package jobfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

const whole = `# what is kept current
timezone: Europe/Berlin
defaults: {verify: digest, on_schema_change: adapt, max_rate: 10MB, timeout: 30m, jitter: 20s, missed: skip}
groups:
  - {name: shop, schedule: "*/15 * * * *"}
  - name: night
    schedule: 30 2 * * *
    jitter: 5m
    missed: once
tables:
  - {table: public.orders, group: shop, mode: upsert, cursor: updated_at, key: [id, "Part"], deletes: digest}
  - table: public.events
    group: night
    mode: append
    cursor: id
    columns: [id, kind, at]
    where: |
      kind <> 'test'
    verify: none
    on_schema_change: stop
    max_rate: 1MiB/s
    timeout: 90s
  - {table: 'Sales."Daily Sums"', mode: full, schedule: "@daily", allow: [notify_sums, lines_sum_fkey]}
  - {table: public.t, mode: mirror}
`

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sync.yaml")
	require.NoError(t, os.WriteFile(path, []byte(whole), 0o600))
	f, err := jobfile.Load(path)
	require.NoError(t, err)
	require.Equal(t, "Europe/Berlin", f.Timezone.String())
	require.Len(t, f.Groups, 2)
	require.Equal(t, "*/15 * * * *", f.Groups[0].Schedule)
	require.Equal(t, 20*time.Second, f.Groups[0].Timing.Jitter)
	require.Equal(t, jobfile.Skip, f.Groups[0].Timing.Missed)
	require.Equal(t, 5*time.Minute, f.Groups[1].Timing.Jitter)
	require.Equal(t, jobfile.Once, f.Groups[1].Timing.Missed)

	require.Len(t, f.Tables, 4)
	orders, events, sums, plain := f.Tables[0], f.Tables[1], f.Tables[2], f.Tables[3]
	require.Equal(t, []string{"id", "part"}, orders.Key, "names are folded as in SQL")
	require.Equal(t, jobfile.DeletesDigest, orders.Deletes)
	require.Equal(t, jobfile.VerifyDigest, orders.Verify)
	require.Equal(t, jobfile.Adapt, orders.OnSchemaChange)
	require.Equal(t, int64(10_000_000), orders.MaxRate)
	require.Equal(t, 30*time.Minute, orders.Timeout)
	require.Equal(t, "kind <> 'test'", events.Where)
	require.Equal(t, jobfile.VerifyNone, events.Verify)
	require.Equal(t, jobfile.Stop, events.OnSchemaChange)
	require.Equal(t, int64(1<<20), events.MaxRate)
	require.Equal(t, 90*time.Second, events.Timeout)
	require.Equal(t, catalog.Name{Schema: "sales", Name: "Daily Sums"}, sums.Table)
	require.Equal(t, []string{"notify_sums", "lines_sum_fkey"}, sums.Allow)
	require.Equal(t, "@daily", sums.Schedule)
	require.Equal(t, jobfile.Skip, sums.Timing.Missed)
	require.True(t, plain.Timing.Schedule.IsZero())
	require.Same(t, &f.Tables[1], f.Table(catalog.Name{Schema: "public", Name: "events"}))
	require.Len(t, f.Of("shop"), 1)
	require.Nil(t, f.Group("nothing"))

	// What the catalog says later has its place too.
	require.EqualError(t, orders.ErrorAt("key.part", "no such column"), path+":11:85: tables.public.orders.key.part: no such column")
	require.EqualError(t, events.ErrorAt("cursor", "no such column"), path+":15:5: tables.public.events.cursor: no such column")
	require.EqualError(t, plain.ErrorAt("cursor", "%d keys", 2), path+":24: tables.public.t: 2 keys")
	require.EqualError(t, plain.Errorf("no such table"), path+":24: tables.public.t: no such table")
}

func TestDefaultsWithoutAnything(t *testing.T) {
	t.Parallel()
	f, err := jobfile.Parse("f.yaml", []byte("tables: [{table: public.t, mode: mirror}]"))
	require.NoError(t, err)
	require.Equal(t, time.UTC, f.Timezone)
	require.Equal(t, jobfile.VerifyCounts, f.Tables[0].Verify)
	require.Equal(t, jobfile.Stop, f.Tables[0].OnSchemaChange)
	require.Zero(t, f.Tables[0].MaxRate)
	require.Equal(t, 1, f.Tables[0].Line)
}

// U12: whatever means nothing is an error that names the key and its place.
func TestU12JobFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "tabels: []", "f.yaml:1:1: tabels: unknown key; the keys here are defaults, groups, tables, timezone"},
		{"unknown key of a table", "tables:\n  - table: public.t\n    mode: full\n    curser: id", "f.yaml:4:5: tables[0].curser: unknown key"},
		{"unknown key in one line", "tables: [{table: public.t, mode: full, x: 1}]", "f.yaml:1:40: tables[0].x: unknown key"},
		{"unknown key of a group", "groups: [{name: a, cron: '* * * * *'}]\ntables: [{table: a.t, mode: full, group: a}]", "f.yaml:1:20: groups[0].cron: unknown key"},
		{"key twice", "timezone: UTC\ntimezone: UTC\ntables: [{table: a.t, mode: full}]", "f.yaml:2:1"},
		{"bad cron line", "groups:\n  - name: a\n    schedule: '0 25 * * *'\ntables: [{table: a.t, mode: full, group: a}]", `f.yaml:3:15: groups.a.schedule: "0 25 * * *" is no schedule: "25" is no hour (0 to 23)`},
		{"bad mode", "tables: [{table: a.t, mode: copy}]", "f.yaml:1:29: tables.a.t.mode: must be one of full, append, upsert, mirror, not \"copy\""},
		{"no mode", "tables:\n  - table: a.t", "f.yaml:2:5: tables.a.t: has no mode"},
		{"no table", "tables:\n  - mode: full", "f.yaml:2:5: tables[0]: names no table"},
		{"table without a schema", "tables: [{table: t, mode: full}]", "f.yaml:1:18: tables[0].table: \"t\": a table is named schema.table"},
		{"table twice", "tables:\n - {table: a.t, mode: full}\n - {table: A.T, mode: full}", "f.yaml:3:12: tables.a.t: the table stands twice: first at line 2"},
		{"group twice", "groups: [{name: a}, {name: a}]\ntables: [{table: a.t, mode: full, group: a}]", "f.yaml:1:28: groups.a: the group stands twice: first at line 1"},
		{"unknown group", "tables: [{table: a.t, mode: full, group: b}]", `f.yaml:1:42: tables.a.t.group: there is no group "b"`},
		{"group without a table", "groups:\n - name: a\ntables: [{table: a.t, mode: full}]", "f.yaml:2: groups.a: no table is in this group"},
		{"group without a name", "groups:\n - schedule: '@daily'\ntables: [{table: a.t, mode: full}]", "f.yaml:2:4: groups[0]: has no name"},
		{"schedule and group", "groups: [{name: a}]\ntables: [{table: a.t, mode: full, group: a, schedule: '@daily'}]", "f.yaml:2:55: tables.a.t.schedule: the table runs with its group \"a\""},
		{"jitter without a schedule", "tables: [{table: a.t, mode: full, jitter: 5s}]", "tables.a.t.jitter: is for a table with a schedule"},
		{"missed without a schedule", "groups: [{name: a, missed: skip}]\ntables: [{table: a.t, mode: full, group: a}]", "groups.a.missed: is for a group with a schedule"},
		{"append without a cursor", "tables: [{table: a.t, mode: append}]", "f.yaml:1:10: tables.a.t: mode append needs a cursor"},
		{"upsert without a cursor", "tables: [{table: a.t, mode: upsert, key: id}]", "mode upsert needs a cursor"},
		{"mirror with a cursor", "tables: [{table: a.t, mode: mirror, cursor: id}]", "f.yaml:1:37: tables.a.t.cursor: mode mirror finds"},
		{"full with a key", "tables: [{table: a.t, mode: full, key: id}]", "f.yaml:1:35: tables.a.t.key: mode full takes all rows"},
		{"append with deletes", "tables: [{table: a.t, mode: append, cursor: id, deletes: digest}]", "f.yaml:1:49: tables.a.t.deletes: mode append deletes nothing"},
		{"mirror with deletes", "tables: [{table: a.t, mode: mirror, deletes: digest}]", "mode mirror carries deletions as it is"},
		{"bad deletes", "tables: [{table: a.t, mode: upsert, cursor: id, deletes: all}]", "must be one of digest, not \"all\""},
		{"key that is not read", "tables: [{table: a.t, mode: upsert, cursor: at, key: [id], columns: [at, x]}]", "f.yaml:1:49: tables.a.t.key: column \"id\" of the key is not in columns"},
		{"cursor that is not read", "tables: [{table: a.t, mode: append, cursor: at, columns: [id, x]}]", "tables.a.t.cursor: column \"at\" is not in columns"},
		{"column twice", "tables: [{table: a.t, mode: full, columns: [id, x, ID]}]", "f.yaml:1:52: tables.a.t.columns: column \"id\" stands twice"},
		{"bad verify", "defaults: {verify: some}\ntables: [{table: a.t, mode: full}]", "f.yaml:1:20: defaults.verify: must be one of none, counts, digest"},
		{"bad change", "tables: [{table: a.t, mode: full, on_schema_change: go}]", "must be one of stop, adapt"},
		{"bad rate", "tables: [{table: a.t, mode: full, max_rate: 5 rows}]", "must be bytes a second such as 10MB"},
		{"bad timeout", "tables: [{table: a.t, mode: full, timeout: 10}]", "f.yaml:1:44: tables.a.t.timeout: must be a time such as 90s"},
		{"bad default timeout", "defaults: {timeout: never}\ntables: [{table: a.t, mode: full}]", "f.yaml:1:21: defaults.timeout: must be a time"},
		{"bad zone", "timezone: Berlin\ntables: [{table: a.t, mode: full}]", "f.yaml:1:11: timezone: \"Berlin\" is no time zone"},
		{"zone of the machine", "timezone: Local\ntables: [{table: a.t, mode: full}]", "is no time zone"},
		{"no value", "tables: [{table: a.t, mode: full, where: }]", "f.yaml:1:41: tables[0].where: has no value"},
		{"empty list", "tables: [{table: a.t, mode: full, columns: []}]", "columns: the list is empty"},
		{"a map for a value", "timezone: {a: b}\ntables: [{table: a.t, mode: full}]", "f.yaml:1:11: timezone: must be a plain value"},
		{"a value for a map", "tables: [public.t]", "f.yaml:1:10: tables[0]: must hold keys and values"},
		{"nothing", "# nothing\n", "f.yaml: tables: the file names no table"},
		{"no YAML", "tables: [", "f.yaml:1"},
		{"two documents", "tables: [{table: a.t, mode: full}]\n---\ntables: []", "it holds more than one YAML document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := jobfile.Parse("f.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
			var e *jobfile.Error
			require.ErrorAs(t, err, &e)
		})
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		_, err := jobfile.Parse("f.yaml", []byte("timezone: x\ngroups: [{name: a, schedule: '9 9'}]\ntables:\n - {table: a.t, mode: mirror, group: b}\n - {table: a.u, mode: upsert}\n - {y: 1, table: a.v, mode: full}\n"))
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, 6, "%v", err)
		for i, begin := range []string{"f.yaml:1:11", "f.yaml:2:", "f.yaml:2:", "f.yaml:4:38", "f.yaml:5:4", "f.yaml:6:5"} {
			require.True(t, strings.HasPrefix(lines[i], begin), lines[i])
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		_, err := jobfile.Load(filepath.Join(t.TempDir(), "none.yaml"))
		var e *jobfile.Error
		require.ErrorAs(t, err, &e)
		require.Contains(t, err.Error(), "none.yaml: the job file cannot be read: no such file")
	})
}
