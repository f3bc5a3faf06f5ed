package verify

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// errKilled breaks a run off at a named point.
var errKilled = errors.New("killed")

// killer is a journal that breaks its run off once so many reads are recorded.
type killer struct {
	Journal
	reads int
	kill  context.CancelCauseFunc

	mu   sync.Mutex
	seen int
}

func (k *killer) Save(ctx context.Context, records map[string]string) error {
	if err := k.Journal.Save(ctx, records); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range records {
		if strings.Contains(name, " read ") {
			k.seen++
		}
	}
	if k.seen >= k.reads {
		k.kill(errKilled)
	}
	return nil
}

// A run that was broken off is gone on with: what it had read is not read again,
// and the result is that of an unbroken one, with a journal in a file and one on
// the target. What was written to meanwhile is read from its beginning, and so is
// all where the level is another (Y11).
func TestResumedVerificationY11(t *testing.T) {
	t.Parallel()
	if pgtest.Server(t).Major() < tidScanSince {
		pgtest.Lacks(t, "no ranges of blocks")
	}
	b := setup(t, `CREATE TABLE t (id integer PRIMARY KEY, a text); ALTER TABLE t ALTER a SET STORAGE plain;
		INSERT INTO t SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 3500) i;
		CREATE TABLE u (id text PRIMARY KEY, a text);
		INSERT INTO u SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 3000) i;`)
	b.target.Exec(t, `CREATE SCHEMA _pg2db9`)
	p := b.withKeys(t, LevelRows)
	path := filepath.Join(t.TempDir(), "state.jsonl")
	broken := func(journal Journal, level Level) Params {
		p := p
		p.Level = level
		ctx, kill := context.WithCancelCause(t.Context())
		p.Journal, p.Progress = &killer{Journal: journal, reads: 3, kill: kill}, &event.Progress{}
		report, err := Run(ctx, p)
		require.ErrorIs(t, err, errKilled)
		require.False(t, report.Good())
		require.Positive(t, report.TableCounts().Errored)
		p.Journal, p.Resume, p.Progress = journal, true, &event.Progress{}
		return p
	}
	read := func(p Params) int64 { return p.Progress.Snapshot().Rows }

	hidden := p
	hidden.Level, hidden.Journal, hidden.JournalAfter = LevelDigest, FileJournal{Path: path}, time.Hour
	matches(t, hidden)
	require.NoFileExists(t, path, "a short run leaves nothing to go on with")
	hidden.JournalAfter = time.Nanosecond
	matches(t, hidden)
	require.NoFileExists(t, path)

	resumed := broken(FileJournal{Path: path}, LevelDigest)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(`{"name":"cut o`) // kill -9 inside of a line
	require.NoError(t, err)
	require.NoError(t, file.Close())
	report := matches(t, resumed)
	require.EqualValues(t, 6500, report.Rows())
	early := table(t, report, "t").Data.Earlier
	require.GreaterOrEqual(t, early.Parts, 3)
	require.Greater(t, early.Of, early.Parts)
	require.Contains(t, table(t, report, "t").Detail, "were read since "+early.Began.UTC().Format(time.DateTime)+" UTC by a run that was interrupted")
	require.Less(t, read(resumed), int64(13000-3*1000))
	require.NoFileExists(t, path, "at its end nothing stays")

	resumed = broken(FileJournal{Path: path}, LevelDigest)
	resumed.Level = LevelRows
	matches(t, resumed)
	require.EqualValues(t, 13000, read(resumed), "another level")

	b.target.Exec(t, `UPDATE t SET a = 'x' WHERE id = 47; DELETE FROM u WHERE id = '1'`)
	whole, want := found(t, p)
	require.Len(t, want, 2)
	target := TargetJournal{Endpoint: p.Target, Settings: dial.Asker()}
	resumed = broken(target, LevelRows)
	report, lines := found(t, resumed)
	require.Equal(t, want, lines)
	for i := range report.Tables {
		got, unbroken := report.Tables[i].Data, whole.Tables[i].Data
		require.Equal(t, []string{unbroken.SourceDigest, unbroken.TargetDigest}, []string{got.SourceDigest, got.TargetDigest})
	}
	left, err := target.Load(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)

	b.target.Exec(t, `UPDATE t SET a = repeat(md5('47'), 200) WHERE id = 47; INSERT INTO u VALUES ('1', repeat(md5('1'), 10))`)
	resumed = broken(FileJournal{Path: path}, LevelDigest)
	b.source.Exec(t, "UPDATE t SET a = a WHERE id = 1")
	require.Eventually(t, func() bool {
		return b.source.QueryString(t, "SELECT (n_tup_upd > 0)::text FROM pg_stat_user_tables WHERE relname = 't'") == "true"
	}, eventually, tick)
	again, kill := context.WithCancelCause(t.Context()) // the resume is broken off, too
	second := &killer{Journal: resumed.Journal, reads: 1, kill: kill}
	half := resumed
	half.Journal = second
	_, err = Run(again, half)
	require.ErrorIs(t, err, errKilled)
	resumed.Progress = &event.Progress{}
	report = matches(t, resumed)
	require.GreaterOrEqual(t, read(resumed), int64(2*3500)-int64(second.seen)*1000, "t was written to since: what the first run read of it is of another cut")
	require.LessOrEqual(t, table(t, report, "t").Data.Earlier.parts(), second.seen)

	resumed = broken(FileJournal{Path: path}, LevelDigest)
	b.target.Exec(t, "ALTER DATABASE "+quote.Ident(b.target.QueryString(t, "SELECT current_database()"))+" SET track_counts = off")
	report = matches(t, resumed)
	require.Nil(t, table(t, report, "t").Data.Earlier, "who does not count does not tell that nobody wrote")
}

func (e *Earlier) parts() int {
	if e == nil {
		return 0
	}
	return e.Parts
}
