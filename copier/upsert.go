package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// UpsertParams is what Upsert needs.
type UpsertParams struct {
	Source   *dial.Endpoint // read in the snapshot
	Snapshot *Snapshot
	Target   *dial.Endpoint
	Profile  ddlgen.Profile
	Run      string // that holds the table by Part; see ClaimTable
	Part     int64
	Transfer *ddlgen.Transfer
	Always   []string // identity columns that are GENERATED ALWAYS

	Key    []string // target columns by which rows are the same; unique on the target
	Update bool     // rows that stand there get the source's values; else they stay as they are
	Since  string   // SQL on the source: which rows; "" is all
	Order  []string // SQL expressions on the source: the order in which rows arrive

	// Finish are statements of the transaction that writes the last rows; they stand
	// in one of their own where there are none.
	Finish []string

	MaxRate  int64           // bytes a second read from the source; 0 is no bound
	Patience time.Duration   // how long a target that is away is tried again; 0 is five minutes
	Stop     <-chan struct{} // closed: no batch is begun any more

	faults *upsertFaults
}

// upsertFaults are the test's hooks.
type upsertFaults struct {
	beforeCommit func(batch int) error // an error is what the target is taken to have answered
}

// Upserted is what Upsert did.
type Upserted struct {
	Read     int64 // rows of the source
	Inserted int64
	Updated  int64 // rows that stood there with other values, where the target tells these from equal ones; see sameRows
	Bytes    int64 // of rows and statements sent to the target
	Batches  int
}

// ErrStopped is work that was broken off between two batches, as the user asked.
var ErrStopped = errStopped

// upsert is one Upsert under way.
type upsert struct {
	p        UpsertParams
	source   *pgx.Conn
	send     *mender
	settings dial.Settings
	epoch    int64
	staged   int // batches since the table for them was made
	result   Upserted
}

// The bounds of a batch where the profile has none. Two are held: one is sent while
// the other is read.
const (
	upsertRows  = 20_000
	upsertBytes = 4 << 20
)

// Upsert brings rows of the source to the target by key, batch by batch in the order
// asked for. A batch is one transaction, which nobody commits once another run has
// taken the table: its rows go by COPY into a table of their own and from there by
// INSERT … ON CONFLICT. To send a batch twice is to send it once, so that one whose
// answer was lost is sent again, after the session that may still hold it has ended.
func Upsert(ctx context.Context, p UpsertParams) (*Upserted, error) {
	u := &upsert{p: p, send: &mender{}, settings: MenderSettings(p.Profile), epoch: 1}
	if p.Profile.FullCatalog {
		u.settings = u.settings.Lookups()
	}
	if u.p.Patience <= 0 {
		u.p.Patience = defaultPatience
	}
	defer u.close(ctx)
	err := u.do(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &u.result, err
}

func (u *upsert) close(ctx context.Context) {
	for _, c := range []*pgx.Conn{u.source, u.send.conn} {
		if c != nil {
			_ = c.Close(context.WithoutCancel(ctx))
		}
	}
}

func (u *upsert) do(ctx context.Context) (err error) {
	t := u.p.Transfer
	if len(u.p.Key) == 0 {
		return fmt.Errorf("table %s has no key: rows cannot be told apart", t.Target)
	}
	if u.source, err = u.p.Source.Connect(ctx, ReaderSettings(u.p.Profile)); err != nil {
		return err
	}
	if err := dial.BeginSnapshot(ctx, u.source, u.p.Snapshot.ID); err != nil {
		return err
	}
	if err := u.stage(ctx); err != nil {
		return fmt.Errorf("preparing for batches on the target (table %s): %w", stageTable, err)
	}
	if err := u.carry(ctx); err != nil {
		return err
	}
	_, err = u.send.conn.Exec(ctx, "DROP TABLE IF EXISTS "+quote.Name(stageTable.Schema, stageTable.Name))
	if err != nil {
		return fmt.Errorf("dropping the table for batches on the target (%s): %w", stageTable, err)
	}
	return nil
}

// connect opens the target. After a lost connection the table's part is taken anew
// first: that waits for a session which may still hold it, and from then on no batch
// of that one can be committed.
func (u *upsert) connect(ctx context.Context) (err error) {
	if u.send.conn != nil && !u.send.conn.IsClosed() {
		return nil
	}
	again := u.send.conn != nil
	if u.send.conn, err = u.p.Target.Connect(ctx, u.settings); err != nil {
		return err
	}
	if !again {
		return nil
	}
	const raise = "UPDATE _pg2db9.part SET epoch = epoch + 1 WHERE run = $1 AND part = $2 AND epoch BETWEEN $3 AND $3 + 1 RETURNING epoch"
	var epoch int64
	if err := u.send.conn.QueryRow(ctx, raise, u.p.Run, u.p.Part, u.epoch).Scan(&epoch); err != nil {
		_ = u.send.conn.Close(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			return u.taken()
		}
		return err
	}
	u.epoch = epoch
	return nil
}

func (u *upsert) taken() error {
	return fmt.Errorf("another run has taken table %s over: nothing more is written to it", u.p.Transfer.Target)
}

// carry sends batches while the next one is read.
func (u *upsert) carry(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	r := newUpsertReader(u)
	read := make(chan error, 1)
	go func() {
		defer close(r.full)
		read <- r.run(reading)
	}()
	var err error
	for b := range r.full {
		if err != nil {
			continue // the reader has been told to end
		}
		if err = u.flush(ctx, b); err != nil {
			stop()
			continue
		}
		b.reset()
		r.free <- b
	}
	if failed := <-read; err == nil {
		err = failed
	}
	return err
}

// flush sends a batch.
func (u *upsert) flush(ctx context.Context, b *upsertBatch) error {
	u.result.Read += b.rows
	if b.rows == 0 && len(u.p.Finish) == 0 {
		return nil
	}
	select {
	case <-u.p.Stop:
		return ErrStopped
	default:
	}
	var inserted, updated int64
	err := retry(ctx, "writing rows of "+u.p.Transfer.Target.String(), u.p.Patience, func() (err error) {
		if err := u.connect(ctx); err != nil {
			return err
		}
		inserted, updated, err = u.transaction(ctx, b)
		if err != nil && dial.Classify(err) != dial.Final && dial.Classify(err) != dial.Refused {
			_ = u.send.conn.Close(context.WithoutCancel(ctx)) // nobody knows what became of it
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("writing rows of %s: %w", u.p.Transfer.Target, err)
	}
	u.result.Inserted += inserted
	u.result.Updated += updated
	u.result.Batches++
	return nil
}

func (u *upsert) transaction(ctx context.Context, b *upsertBatch) (inserted, updated int64, err error) {
	m := u.send
	if b.rows > 0 && !u.p.Profile.FullCatalog && u.staged >= stageBatches {
		if err := u.stage(ctx); err != nil {
			return 0, 0, err
		}
	}
	if err := m.step(ctx, "BEGIN", 'T'); err != nil {
		return 0, 0, err
	}
	defer func() {
		if err != nil && !m.conn.IsClosed() {
			_ = m.step(context.WithoutCancel(ctx), "ROLLBACK", 'I')
		}
	}()
	tag, err := m.tag(ctx, fmt.Sprintf("UPDATE _pg2db9.part SET token = '' WHERE run = %s AND part = %d AND epoch = %d", quote.Literal(u.p.Run), u.p.Part, u.epoch), 'T')
	if err != nil {
		return 0, 0, err
	}
	if tag != "UPDATE 1" {
		return 0, 0, u.taken()
	}
	if b.rows > 0 {
		if inserted, updated, err = u.merge(ctx, b); err != nil {
			return 0, 0, err
		}
	}
	if b.last {
		for _, sql := range u.p.Finish {
			if err := m.step(ctx, sql, 'T'); err != nil {
				return 0, 0, err
			}
		}
	}
	if f := u.p.faults; f != nil && f.beforeCommit != nil {
		if err := f.beforeCommit(u.result.Batches); err != nil {
			return 0, 0, err
		}
	}
	return inserted, updated, m.step(ctx, "COMMIT", 'I')
}
