package verify

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Journal keeps what a run has finished, so that another can go on with it. Its
// records are texts under names; a later one of a name replaces the former.
type Journal interface {
	// Load returns all records.
	Load(ctx context.Context) (map[string]string, error)
	// Save adds records, in one step.
	Save(ctx context.Context, records map[string]string) error
	// Clear removes all records.
	Clear(ctx context.Context) error
}

const (
	saveEvery   = 2 * time.Second // between two times that records are saved, where a run has to be old for it
	saveTimeout = time.Minute     // of one of them
)

// journalBegin is the record of what a run compares: another goes on with it
// only where it is the same.
const journalBegin = "begin"

// journaling is the journal of a run under way.
type journaling struct {
	journal Journal
	after   time.Duration // a run that is shorter leaves no trace
	started time.Time

	id     string            // before the names of the run's own records: another's may come between
	began  time.Time         // of the first run, where this one goes on with it
	stored map[string]string // of the run that is gone on with
	stop   func()            // ends what saves in the background, and waits for it
	due    chan struct{}     // something is pending

	saving sync.Mutex // held while records are on their way: by who sends them, and by who must know that none are

	mu       sync.Mutex // never held while anything is on its way
	pending  map[string]string
	written  bool // the journal may have records of this run
	failed   bool
	finished bool // nothing more is kept
}

// begun is what a run compares.
type begun struct {
	ID     string    `json:"id"`
	Plan   string    `json:"plan"` // hash of the transfers
	Level  Level     `json:"level"`
	Source string    `json:"source"`
	Target string    `json:"target"`
	Began  time.Time `json:"began"`
}

// cutKept is how one table is read: the parts of another run count only when
// they are of the same cut, and of rows that nobody has written since.
type cutKept struct {
	Cut     string       `json:"cut"` // other for each cut: in the names of its reads
	Source  state        `json:"source"`
	Target  state        `json:"target"`
	Buckets *bucketsKept `json:"buckets,omitempty"`
	Reads   []readKept   `json:"reads"`
}

type bucketsKept struct {
	Count   int    `json:"count"`
	First   int    `json:"first"`
	Ranged  bool   `json:"ranged"`
	Borders []byte `json:"borders,omitempty"` // deflated differences
}

// readKept is one read of a table, and what it saw.
type readKept struct {
	Target   bool         `json:"target,omitempty"`
	Relation catalog.Name `json:"relation"`
	Where    string       `json:"where,omitempty"`
	Label    string       `json:"label"`
	Size     int64        `json:"size"`
	Low      *int64       `json:"low,omitempty"`
	High     *int64       `json:"high,omitempty"`
}

type seenKept struct {
	Rows    uint64 `json:"rows"`
	Digest  string `json:"digest"`
	Bytes   int64  `json:"bytes"`
	Buckets []byte `json:"buckets,omitempty"` // deflated: sums, then rows
}

// openJournal reads what is to be gone on with.
func (v *run) openJournal(ctx context.Context) error {
	if v.p.Journal == nil || v.p.Copied != nil || !v.p.Level.has(LevelDigest) {
		return nil
	}
	j := &journaling{journal: v.p.Journal, after: v.p.JournalAfter, started: time.Now(), pending: map[string]string{}, due: make(chan struct{}, 1)}
	begin := begun{ID: rand.Text(), Plan: planHash(v.p.Plan), Level: v.p.Level, Source: v.p.Source.String(), Target: v.p.Target.String(), Began: v.report.Started}
	if v.p.Resume {
		stored, err := v.p.Journal.Load(ctx)
		if err != nil {
			return fmt.Errorf("reading what was verified before: %w", err)
		}
		var before begun
		switch text, ok := stored[journalBegin]; {
		case !ok:
			v.note("nothing was verified in part before: all is read")
		case json.Unmarshal([]byte(text), &before) != nil || before.Plan != begin.Plan || before.Level != begin.Level || before.Source != begin.Source || before.Target != begin.Target:
			v.note(fmt.Sprintf("what was verified before (%s, level %s, begun %s) is of other servers, options or definitions: all is read", before.Source, before.Level, before.Began.UTC().Format(time.DateTime)))
		default:
			j.stored = stored
			begin.ID, begin.Began = before.ID, before.Began
		}
	}
	if j.stored == nil && v.p.JournalAfter == 0 {
		if err := v.p.Journal.Clear(ctx); err != nil {
			return fmt.Errorf("beginning the record of what is verified: %w", err)
		}
	}
	text, err := json.Marshal(begin)
	if err != nil {
		return err
	}
	j.id, j.began, j.pending[journalBegin] = begin.ID, begin.Began, string(text)
	v.journal = j
	background, cancel := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error {
		v.saveOn(background)
		return nil
	})
	j.stop = func() {
		cancel()
		_ = g.Wait() // it has no error
	}
	return nil
}

func planHash(plan *ddlgen.Plan) string {
	text, err := json.Marshal(plan.Transfers)
	if err != nil {
		return "" // names and words are never refused
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// save keeps a record: at once in a journal that is written at once, else by and
// by, in the background, once the run is old enough.
func (v *run) save(ctx context.Context, name string, value any) {
	j := v.journal
	if j == nil {
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		v.unsaved(err)
		return
	}
	j.mu.Lock()
	if !j.failed && !j.finished {
		j.pending[name] = string(text)
	}
	j.mu.Unlock()
	if j.after == 0 {
		v.savePending(ctx)
		return
	}
	select {
	case j.due <- struct{}{}:
	default: // it is known
	}
}

// saveOn saves what is pending until the context ends.
func (v *run) saveOn(ctx context.Context) {
	j := v.journal
	for pause := j.after; ; pause = saveEvery {
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-j.due:
			v.savePending(ctx)
		}
	}
}

// savePending sends what is pending. That it cannot is said once: the comparison
// goes on. What did not go because the context ended is pending again.
func (v *run) savePending(ctx context.Context) {
	j := v.journal
	j.saving.Lock()
	defer j.saving.Unlock()
	j.mu.Lock()
	records := j.pending
	if j.failed || j.finished || len(records) == 0 {
		j.mu.Unlock()
		return
	}
	j.pending, j.written = map[string]string{}, true
	j.mu.Unlock()
	timed, cancel := context.WithTimeoutCause(ctx, saveTimeout, errors.New("recording what was verified took too long"))
	defer cancel()
	err := j.journal.Save(timed, records)
	switch {
	case err == nil:
	case ctx.Err() == nil:
		v.unsaved(err)
	default:
		j.mu.Lock()
		defer j.mu.Unlock()
		maps.Copy(records, j.pending) // what came since is newer
		j.pending = records
	}
}

func (v *run) unsaved(err error) {
	j := v.journal
	j.mu.Lock()
	told := j.failed
	j.failed, j.pending = true, map[string]string{}
	j.mu.Unlock()
	if !told {
		v.p.Bus.Emit(event.Note{Text: fmt.Sprintf("what is verified cannot be recorded, so an interrupt would make it begin anew: %v", err)})
	}
}

// flush keeps what is pending when a run is broken off that is old enough: it is
// what goes on from.
func (v *run) flush(ctx context.Context) {
	j := v.journal
	if j == nil {
		return
	}
	j.stop()
	if time.Since(j.started) < j.after {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout*2)
	defer cancel()
	v.savePending(ctx)
}

// clearJournal removes the records of a run that came to its end, and those that
// are pending: another has nothing to go on with.
func (v *run) clearJournal(ctx context.Context) {
	j := v.journal
	if j == nil {
		return
	}
	j.mu.Lock()
	j.finished, j.pending = true, map[string]string{}
	j.mu.Unlock()
	j.saving.Lock() // what is on its way must have arrived
	defer j.saving.Unlock()
	if j.stored == nil && !j.written {
		return
	}
	if err := j.journal.Clear(ctx); err != nil {
		v.p.Log.DebugContext(ctx, "the record of what was verified is not removed", "error", err)
	}
}

func (j *journaling) tableRecord(c *comparison) string {
	return j.id + " table " + c.transfer.Target.String()
}

func (j *journaling) readRecord(r *read) string {
	return fmt.Sprintf("%s read %d of %s, cut %s", j.id, r.index, r.table.transfer.Target, r.table.cut)
}

// recall gives a table the cut and the buckets of the run that is gone on with,
// where nobody has written to it since; and returns its reads.
func (v *run) recall(c *comparison) []*read {
	if v.journal == nil || v.journal.stored == nil || v.afresh {
		return nil
	}
	var p cutKept
	text, ok := v.journal.stored[v.journal.tableRecord(c)]
	if !ok || json.Unmarshal([]byte(text), &p) != nil || p.Cut == "" {
		return nil
	}
	source, target := v.states.of(c.transfer)
	if !p.Source.same(source) || !p.Target.same(target) {
		v.p.Bus.Emit(event.Note{Text: fmt.Sprintf("%s was written to since it was verified in part: it is read from its beginning", c.transfer.Target)})
		return nil
	}
	buckets, err := p.Buckets.restore(c, v)
	if err != nil {
		return nil
	}
	var reads []*read
	for i, k := range p.Reads {
		r := &read{table: c, target: k.Target, relation: k.Relation, part: part{where: k.Where, label: k.Label, bytes: k.Size}, index: i}
		v.complete(r, k)
		reads = append(reads, r)
	}
	if c.buckets = buckets; buckets != nil {
		c.differences = newBucketDifference(buckets.count)
	}
	c.resumed, c.cut = true, p.Cut
	return reads
}

// complete writes the statement or the pages of a read that is recalled.
func (v *run) complete(r *read, k readKept) {
	if !k.Target || !v.p.Profile.ReadByKey {
		r.sql = v.readSQL(r)
		return
	}
	t := r.table.transfer
	r.pages = keyset.New(t, v.only(t))
	r.pages.Low, r.pages.High = k.Low, k.High
}

// recordCuts keeps how tables are read.
func (v *run) recordCuts(ctx context.Context, reads []*read) {
	if v.journal == nil || v.afresh {
		return
	}
	byTable := map[*comparison][]*read{}
	for _, r := range reads {
		r.index = len(byTable[r.table])
		byTable[r.table] = append(byTable[r.table], r)
	}
	for c, list := range byTable {
		c.cut = rand.Text()
		source, target := v.states.of(c.transfer)
		v.save(ctx, v.journal.tableRecord(c), kept(c, list, source, target))
	}
}

// recordRead keeps what a read saw.
func (v *run) recordRead(ctx context.Context, r *read, s seen) {
	if v.journal != nil && !v.afresh {
		v.save(ctx, v.journal.readRecord(r), keepSeen(s))
	}
}

// kept is how the reads of a table are recorded.
func kept(c *comparison, reads []*read, source, target state) cutKept {
	p := cutKept{Cut: c.cut, Source: source, Target: target, Buckets: keepBuckets(c.buckets)}
	for _, r := range reads {
		k := readKept{Target: r.target, Relation: r.relation, Where: r.part.where, Label: r.part.label, Size: r.part.bytes}
		if r.pages != nil {
			k.Low, k.High = r.pages.Low, r.pages.High
		}
		p.Reads = append(p.Reads, k)
	}
	return p
}

// recalled is what a read saw in the run that is gone on with.
func (v *run) recalled(r *read) (seen, bool) {
	if v.journal == nil || !r.table.resumed {
		return seen{}, false
	}
	var k seenKept
	text, ok := v.journal.stored[v.journal.readRecord(r)]
	if !ok || json.Unmarshal([]byte(text), &k) != nil {
		return seen{}, false
	}
	sum, err := digest.Parse(k.Rows, k.Digest)
	if err != nil {
		return seen{}, false
	}
	s := seen{sum: sum, bytes: k.Bytes}
	if b := r.table.buckets; b != nil {
		if s.buckets, err = inflateSums(k.Buckets, b.count); err != nil {
			return seen{}, false
		}
	}
	return s, true
}

func keepSeen(s seen) seenKept {
	k := seenKept{Rows: s.sum.Rows, Digest: s.sum.Hex(), Bytes: s.bytes}
	if s.buckets != nil {
		k.Buckets = deflate(func(w io.Writer) error {
			if err := binary.Write(w, binary.LittleEndian, s.buckets.sums); err != nil {
				return err
			}
			return binary.Write(w, binary.LittleEndian, s.buckets.rows)
		})
	}
	return k
}

func inflateSums(b []byte, count int) (*bucketSums, error) {
	s := newBucketSums(count)
	r := flate.NewReader(bytes.NewReader(b))
	if err := binary.Read(r, binary.LittleEndian, s.sums); err != nil {
		return nil, err
	}
	return s, binary.Read(r, binary.LittleEndian, s.rows)
}

func keepBuckets(b *bucketing) *bucketsKept {
	if b == nil {
		return nil
	}
	steps := make([]uint64, len(b.borders))
	var last uint64
	for i, border := range b.borders {
		steps[i], last = border-last, border
	}
	return &bucketsKept{Count: b.count, First: b.first, Ranged: b.ranged(), Borders: deflate(func(w io.Writer) error { return binary.Write(w, binary.LittleEndian, steps) })}
}

// restore makes the buckets that were kept; the key's form is the table's.
func (k *bucketsKept) restore(c *comparison, v *run) (*bucketing, error) {
	if k == nil {
		return nil, nil //nolint:nilnil // no buckets are kept
	}
	b := &bucketing{count: k.Count, first: k.First, keys: keyFields(c.transfer)}
	if k.Ranged {
		form, first := v.rangedBy(c.transfer, b)
		if form == nil || first != k.First {
			return nil, errors.New("the key has another form")
		}
		borders := make([]uint64, k.Count-1)
		if err := binary.Read(flate.NewReader(bytes.NewReader(k.Borders)), binary.LittleEndian, borders); err != nil {
			return nil, err
		}
		var last uint64
		for i, step := range borders {
			last += step
			borders[i] = last
		}
		b.setRanges(form, first, borders)
	}
	return b, nil
}

// deflate packs what write writes; into memory, which does not fail.
func deflate(write func(io.Writer) error) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		err = write(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // a buffer and numbers refuse nothing
	}
	return b.Bytes()
}
