package verify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pace"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Params is what Run needs.
type Params struct {
	// Source is read when Copied is nil. With Copied it is asked for the
	// sequences' present positions, and for the rows that were copied in the binary
	// format; without such it may be nil.
	Source *dial.Endpoint
	// Snapshot is the exported snapshot to read the source in; when it is
	// empty, Run exports one of its own.
	Snapshot string
	Target   *dial.Endpoint

	Plan    *ddlgen.Plan
	Profile ddlgen.Profile // of the target

	// Copied is the account of the copier, table by table. When it is not nil,
	// the source is not read: a transfer without an account stays Unknown.
	Copied []SourceSide
	// Certified says that Copied is no copier's account, but what a certificate
	// says that the target held.
	Certified bool
	// Missing are IDs of the plan's statements that were not executed: what they
	// would have made is not looked for.
	Missing map[string]bool
	// Sequences are the positions that were given to the target's sequences.
	// When it is nil the plan's are expected; else one of the plan that is not
	// in it stays Unknown.
	Sequences []SequenceSet
	// StrictSequences takes no excuse for a sequence that is behind a column that it
	// feeds, not even that it is so on the source: for who cuts over.
	StrictSequences bool
	// ViewRows are the rows of the source's materialized views, by source name, as
	// CountViews saw them in the snapshot of the copy. Where the source is read
	// they are counted there.
	ViewRows map[catalog.Name]int64

	// Behaviour has the target tried: that it refuses what it must, fills what it
	// must, answers its views and routines. It writes nothing that stays.
	Behaviour bool

	// Definitions has the report keep the target's own words for what hangs on the
	// tables and views: for a certificate.
	Definitions bool
	// Defined is what a certificate says that they were: what is otherwise now is a
	// difference. nil is that nobody knows.
	Defined *Definitions

	// ExistingTables says that the tables were there before the run and are the
	// user's (pg2db9 copy): their columns must hold what was copied, but may
	// have other types, another order and others beside them.
	ExistingTables bool
	// SkipData leaves the rows out, by the user's leave: they are Skipped.
	SkipData bool

	// Patience is how long a target that is away is tried again while it is read
	// in pages; 0 is half a minute.
	Patience time.Duration

	Jobs int // reads at once, each on a connection of its own; less than 1 is 1

	// Level says how closely to look; with Copied it is at most LevelDigest.
	Level Level
	// Differences gets every row that differs, at levels rows and deep, in no
	// order; its error ends the search in that table. One call at a time.
	Differences func(RowDifference) error
	// Hold is how many bytes of the source's rows, and as many of the target's, all jobs
	// together hold while they look for rows that differ; 0 is 24 MiB.
	Hold int64
	// MaxDifferences is how many of a table the report shows; 0 is 100, less is none.
	MaxDifferences int
	ShowValues     bool // values are shown whole, those of missing and extra rows too
	// Journal keeps what is finished of a comparison of contents; nil is none. A
	// run that comes to its end leaves no record, nor does one that is broken off
	// within JournalAfter, but for those of a journal that is written at once (0).
	Journal      Journal
	JournalAfter time.Duration
	Resume       bool // go on with what Journal has, where it is of the same comparison

	// Live lets both sides be written while they are compared: nothing is read in a
	// snapshot that is held, and rows that differ are read again until they are
	// equal or Deadline has passed since the first of them were known. Snapshot is
	// not used, Copied must be nil, Level is at least LevelRows.
	Live     bool
	Deadline time.Duration // 0 is DefaultDeadline

	MaxRate int64 // bytes of COPY TEXT a second that are read of either side; 0 is no bound

	Bus      *event.Bus
	Progress *event.Progress // counts the rows read, in a run of its own; may be nil
	Log      *slog.Logger    // may be nil
}

// SourceSide is the account of one table that was copied. When Err is nil the
// four counts and the digest's are equal, or rows were lost on the way.
type SourceSide struct {
	Target catalog.Name

	Read   int64 // rows by the source's COPY tags
	Framed int64 // rows seen in the stream
	Acked  int64 // rows by the target's COPY tags
	Ledger int64 // rows by the ledger, after the durable commit

	Bytes  int64      // COPY TEXT bytes sent: what reading the table back will cost
	Digest digest.Sum // of the rows sent, in canonical form
	Err    error      // why the table is not complete: it is then not read back
}

// SequenceSet is a sequence as it was set on the target.
type SequenceSet struct {
	Target    catalog.Name
	Source    catalog.Name
	LastValue int64
	IsCalled  bool
	Err       error // why it could not be set
}

// Run compares the target with what the plan promises and the source held, and
// returns a report whether they are equal or not. The error is not nil when the
// comparison could not be begun or was cancelled; the report then says Errored
// or Unknown of all that was not looked at.
func Run(ctx context.Context, p Params) (*Report, error) {
	p.Jobs = max(p.Jobs, 1)
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Level == "" || p.Copied != nil && p.Level.has(LevelRows) {
		p.Level = LevelDigest
	}
	p.forLive()
	v := &run{p: p, report: &Report{Started: time.Now(), Level: p.Level, AllowSkipped: p.SkipData}}
	v.sourcePace, v.targetPace = pace.New(pace.Rate{Bytes: p.MaxRate}), pace.New(pace.Rate{Bytes: p.MaxRate})
	if err := v.expect(); err != nil {
		return v.report, err
	}
	p.Bus.Emit(event.PhaseStarted{Phase: phase, Items: len(v.report.Tables)})
	err := v.do(ctx)
	v.end(err)
	counts := v.report.TableCounts()
	p.Bus.Emit(event.PhaseDone{
		Phase: phase, Elapsed: v.report.Elapsed,
		Failed: len(v.report.Tables) - counts.Match - counts.Skipped,
	})
	return v.report, err
}

// phase is the name of the work in events.
const phase = "verify"

// run is one Run under way.
type run struct {
	p        Params
	report   *Report
	accounts map[catalog.Name]SourceSide // by target
	wanted   []promise                   // beside report.Tables
	views    []*ddlgen.ExpectedView      // beside report.Views

	source, target           *pool
	sourceMajor, targetMajor int
	sourceSizes, targetSizes map[catalog.Name]size
	found                    map[catalog.Name]*foundTable
	gone                     atomic.Bool // the target was away for longer than is waited

	journal                *journaling // nil is none
	states                 tableStates
	afresh                 bool // nothing is recalled any more
	sourcePace, targetPace *pace.Pace
	differencesMu          sync.Mutex
	looks                  atomic.Int64 // at rows that may settle

	mu       sync.Mutex
	finished map[*Table]bool // told of on the bus
}

// do connects and compares: definitions, sequences, rows.
func (v *run) do(ctx context.Context) error {
	if len(v.wanted)+len(v.report.Sequences)+len(v.report.Views) == 0 {
		return nil // the plan has nothing, so there is nothing to ask
	}
	settings := readerSettings(v.p.Profile)
	target := targetSettings(settings, v.p.Profile)
	if v.p.Certified && !v.p.Profile.Map { // what is read follows from a file: nothing of that may write
		target = target.With("default_transaction_read_only", "on")
	}
	v.target = newPool(v.p.Target, target, v.p.Jobs)
	defer v.target.close()
	if err := v.lookWell(ctx); err != nil {
		return err
	}
	comparisons := v.comparisons()
	reads := slices.ContainsFunc(comparisons, func(c *comparison) bool { return v.readsSource(c.transfer) })
	if v.p.Source != nil {
		v.source = newPool(v.p.Source, settings, v.p.Jobs)
		v.source.snapshot = v.p.Snapshot
		defer v.source.close()
		release, err := v.lookAtSource(ctx, reads)
		if err != nil {
			return err
		}
		defer release()
	} else if reads {
		return errors.New("verify has neither a source to read nor an account of what was copied")
	}
	v.weighViews()
	if err := v.compare(ctx, comparisons); err != nil {
		return err
	}
	if v.p.Source != nil {
		v.source.close()           // its sessions are not needed any more, and a role may have few
		v.askSource(ctx, settings) // after the rows: what is excused follows from them, and its transaction is not that of the snapshot
	}
	v.leaveSequences()
	if v.p.Behaviour {
		return v.checkBehaviour(ctx)
	}
	return context.Cause(ctx)
}

// compare compares the tables' rows as closely as the level says.
func (v *run) compare(ctx context.Context, comparisons []*comparison) error {
	if len(comparisons) == 0 {
		return context.Cause(ctx)
	}
	if err := v.readRejects(ctx, comparisons); err != nil {
		return err
	}
	if !v.p.Level.has(LevelDigest) {
		return v.countRows(ctx, comparisons)
	}
	if err := v.openJournal(ctx); err != nil {
		return err
	}
	defer v.flush(ctx)
	if err := v.excuse(ctx, comparisons); err != nil {
		return err
	}
	if err := v.compareContents(ctx, comparisons); err != nil {
		return err
	}
	var again, differing []*comparison
	for _, c := range comparisons {
		if c.again {
			*c = comparison{transfer: c.transfer, table: c.table, canons: c.canons, excused: c.excused}
			again = append(again, c)
		}
	}
	v.afresh = true
	if err := v.compareContents(ctx, again); err != nil {
		return err
	}
	for _, c := range comparisons {
		if c.localise {
			differing = append(differing, c)
		}
	}
	if v.p.Live {
		err := v.settle(ctx, differing)
		if err != nil {
			return err
		}
	} else if err := v.localise(ctx, differing, nil); err != nil {
		return err
	}
	v.clearJournal(ctx)
	return nil
}

// compareContents reads the tables' rows and compares their sums.
func (v *run) compareContents(ctx context.Context, comparisons []*comparison) error {
	if len(comparisons) == 0 {
		return context.Cause(ctx)
	}
	v.readStates(ctx, comparisons)
	return v.compareRows(ctx, v.planReads(ctx, comparisons))
}

// lookAtTarget reads what needs one query for all: definitions, positions, sizes.
func (v *run) lookAtTarget(ctx context.Context) error {
	s, err := v.target.get(ctx)
	if err != nil {
		return err
	}
	v.targetMajor = dial.Major(s.conn.PgConn())
	schemas := append(schemasOf(v.wanted), v.viewSchemas()...)
	slices.Sort(schemas)
	schemas = slices.Compact(schemas)
	read := readTables
	if !v.p.Profile.FullCatalog {
		read = readInfoTables
	}
	if v.found, err = read(ctx, s.conn, schemas); err != nil {
		v.target.drop(s)
		return err
	}
	for i, w := range v.wanted {
		v.report.Tables[i].Shape = v.shape(w, v.found[w.expected.Name])
	}
	if err := v.checkObjects(ctx, s.conn, schemas); err != nil {
		v.target.drop(s)
		return err
	}
	if err := v.checkHanging(ctx, s.conn, schemas); err != nil {
		v.target.drop(s)
		return err
	}
	if err := v.checkViews(ctx, s.conn, schemas); err != nil {
		v.target.drop(s)
		return err
	}
	if err := v.lookAtDefined(ctx, s.conn, schemas); err != nil {
		v.target.drop(s)
		return err
	}
	var recorded map[catalog.Name]Position
	if v.p.Copied == nil && v.p.Sequences == nil && !v.p.Live && len(v.report.Sequences) > 0 {
		if recorded, err = recordedPositions(ctx, s.conn); err != nil {
			v.target.drop(s)
			return err
		}
	}
	checkSequences(ctx, s.conn, v.report.Sequences, recorded)
	v.checkSequenceDefs(ctx, s.conn)
	v.checkFeeds(ctx, s.conn)
	if !v.p.Profile.Map { // a PostgreSQL, which knows the sizes of its files
		if v.targetSizes, err = readSizes(ctx, s.conn, schemas); err != nil {
			v.p.Log.DebugContext(ctx, "tables of the target are read whole", "error", err)
		}
	}
	if s.conn.IsClosed() {
		v.target.drop(s)
		return errLookCut
	}
	v.target.put(s)
	return context.Cause(ctx)
}

// lookAtSource reads the sizes, where the rows will be read, and sees to a
// snapshot for all readers.
func (v *run) lookAtSource(ctx context.Context, rows bool) (release func(), err error) {
	release = func() {}
	var s *session
	switch {
	case !rows:
		return release, context.Cause(ctx)
	case v.p.Snapshot == "" && !v.p.Live:
		if s, err = exportSnapshot(ctx, v.source); err != nil {
			return release, err
		}
		release = s.close
	default:
		if s, err = v.source.get(ctx); err != nil {
			return release, err
		}
		defer v.source.put(s)
	}
	v.sourceMajor = dial.Major(s.conn.PgConn())
	var schemas []string
	for i := range v.p.Plan.Transfers {
		for _, r := range v.p.Plan.Transfers[i].Relations {
			schemas = append(schemas, r.Schema)
		}
	}
	slices.Sort(schemas)
	if v.sourceSizes, err = readSizes(ctx, s.conn, slices.Compact(schemas)); err != nil {
		release()
		return func() {}, err
	}
	if v.p.Copied != nil { // the copy has counted
		return release, nil
	}
	if err := v.countSource(ctx, s.conn); err != nil {
		release()
		return func() {}, err
	}
	return release, nil
}
