package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pace"
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
	pace     *pace.Pace
	epoch    int64
	rows     int64
	maxRows  int64
	maxBytes int64
	batch    bytes.Buffer
	result   Upserted
}

// stageTable is where a batch stands before it is merged, within its transaction.
// Runs are alone on a target, and take one table after the other.
var stageTable = catalog.Name{Schema: "_pg2db9", Name: "sync_stage"}

// The bounds of a batch where the profile has none.
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
	u := &upsert{p: p, send: &mender{}, settings: MenderSettings(p.Profile), pace: pace.New(pace.Rate{Bytes: p.MaxRate}), epoch: 1, maxRows: p.Profile.BatchRows, maxBytes: p.Profile.BatchBytes}
	if u.maxRows <= 0 {
		u.maxRows = upsertRows
	}
	if u.maxBytes <= 0 {
		u.maxBytes = upsertBytes
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
		return fmt.Errorf("making a table for batches on the target (%s): %w", stageTable, err)
	}
	for _, rel := range t.Relations {
		lines := &lineWriter{take: func(line []byte) error { return u.add(ctx, line) }}
		if _, err := u.source.PgConn().CopyTo(ctx, lines, u.readSQL(rel)); err != nil {
			if lines.err != nil {
				return lines.err // not the source's doing
			}
			return fmt.Errorf("reading rows of %s on the source: %w", rel, err)
		}
	}
	if err := u.flush(ctx, true); err != nil {
		return err
	}
	_, err = u.send.conn.Exec(ctx, "DROP TABLE IF EXISTS "+quote.Name(stageTable.Schema, stageTable.Name))
	if err != nil {
		return fmt.Errorf("dropping the table for batches on the target (%s): %w", stageTable, err)
	}
	return nil
}

// readSQL reads the rows of one relation.
func (u *upsert) readSQL(rel catalog.Name) string {
	exprs := make([]string, len(u.p.Transfer.Columns))
	for i, c := range u.p.Transfer.Columns {
		exprs[i] = c.Select
	}
	sql := fmt.Sprintf("COPY (SELECT %s FROM ONLY %s", strings.Join(exprs, ", "), quote.Name(rel.Schema, rel.Name))
	var conditions []string
	for _, c := range []string{u.p.Since, u.p.Transfer.WhereOf(rel)} {
		if c != "" {
			conditions = append(conditions, c)
		}
	}
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	if len(u.p.Order) > 0 {
		sql += " ORDER BY " + strings.Join(u.p.Order, ", ")
	}
	return sql + ") TO STDOUT"
}

// stage makes the table for batches, anew: another table's may stand there.
func (u *upsert) stage(ctx context.Context) error {
	if err := u.connect(ctx); err != nil {
		return err
	}
	name := quote.Name(stageTable.Schema, stageTable.Name)
	columns := make([]string, len(u.p.Transfer.Columns))
	for i, c := range u.p.Transfer.Columns {
		columns[i] = quote.Ident(c.Target) + " " + c.TargetType
	}
	for _, sql := range []string{"DROP TABLE IF EXISTS " + name, "CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")"} {
		if _, err := u.send.conn.Exec(ctx, sql); err != nil {
			return err
		}
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

// add takes a row of the source. A batch is sent when the next row would pass its
// bounds, so that the last one is known when it is sent.
func (u *upsert) add(ctx context.Context, line []byte) error {
	size := int64(len(line) + 1)
	switch limit := u.p.Profile.RowBytes; {
	case limit > 0 && size > limit:
		return fmt.Errorf("a row of %s has %d bytes, the target takes at most %d: shorten it, or leave it out (where)", u.p.Transfer.Target, size, limit)
	case !utf8.Valid(line):
		return fmt.Errorf("a row of %s holds bytes that are not UTF-8: mend it on the source", u.p.Transfer.Target)
	}
	if u.rows > 0 && (u.rows >= u.maxRows || int64(u.batch.Len())+size > u.maxBytes) {
		if err := u.flush(ctx, false); err != nil {
			return err
		}
	}
	if err := u.pace.Wait(ctx, size, 1); err != nil {
		return err
	}
	u.batch.Write(line)
	u.batch.WriteByte('\n')
	u.rows++
	u.result.Read++
	return nil
}

// flush sends the batch.
func (u *upsert) flush(ctx context.Context, last bool) error {
	if u.rows == 0 && (!last || len(u.p.Finish) == 0) {
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
		inserted, updated, err = u.transaction(ctx, last)
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
	u.rows = 0
	u.batch.Reset()
	return nil
}

func (u *upsert) transaction(ctx context.Context, last bool) (inserted, updated int64, err error) {
	m := u.send
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
	if u.rows > 0 {
		if inserted, updated, err = u.merge(ctx); err != nil {
			return 0, 0, err
		}
	}
	if last {
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

// merge writes the batch within its transaction.
func (u *upsert) merge(ctx context.Context) (inserted, updated int64, err error) {
	t, m := u.p.Transfer, u.send
	stage, target := quote.Name(stageTable.Schema, stageTable.Name), quote.Name(t.Target.Schema, t.Target.Name)
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Target
	}
	columns := quote.Idents(names)
	tag, err := m.conn.PgConn().CopyFrom(ctx, bytes.NewReader(u.batch.Bytes()), fmt.Sprintf("COPY %s (%s) FROM STDIN", stage, columns))
	if err != nil {
		return 0, 0, err
	}
	u.result.Bytes += int64(u.batch.Len())
	if err := m.is("COPY", tag.String(), 'T'); err != nil {
		return 0, 0, err
	}
	if tag.RowsAffected() != u.rows {
		return 0, 0, fmt.Errorf("%d rows were sent, and the target says that it took %d", u.rows, tag.RowsAffected())
	}
	same := make([]string, len(u.p.Key))
	for i, k := range u.p.Key {
		same[i] = "t." + quote.Ident(k) + " = s." + quote.Ident(k)
	}
	results, err := m.conn.PgConn().Exec(ctx, fmt.Sprintf("SELECT count(*) FROM %s s JOIN %s t ON %s", stage, target, strings.Join(same, " AND "))).ReadAll()
	if err != nil {
		return 0, 0, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return 0, 0, fmt.Errorf("%w: the target did not count rows", dial.ErrLost)
	}
	there, err := strconv.ParseInt(string(results[0].Rows[0][0]), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("the target's count of rows: %w", err)
	}
	sql := fmt.Sprintf("INSERT INTO %s AS t (%s)", target, columns)
	if len(u.p.Always) > 0 {
		sql += " OVERRIDING SYSTEM VALUE"
	}
	sql += fmt.Sprintf(" SELECT %s FROM %s ON CONFLICT (%s) %s", columns, stage, quote.Idents(u.p.Key), u.onConflict())
	u.result.Bytes += int64(len(sql))
	text, err := m.tag(ctx, sql, 'T')
	if err != nil {
		return 0, 0, err
	}
	written, err := strconv.ParseInt(text[strings.LastIndexByte(text, ' ')+1:], 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("the target answered INSERT with %q: %w", text, err)
	}
	inserted = u.rows - there
	if written < inserted || written > u.rows {
		return 0, 0, fmt.Errorf("of %d rows %d were new to the target, and it says that it wrote %d: somebody else writes to it", u.rows, inserted, written)
	}
	text, err = m.tag(ctx, "DELETE FROM "+stage, 'T')
	if err == nil && text != "DELETE "+strconv.FormatInt(u.rows, 10) {
		err = fmt.Errorf("the target answered %q when %d staged rows were taken away", text, u.rows)
	}
	return inserted, written - inserted, err
}

// onConflict is what becomes of rows that stand there.
func (u *upsert) onConflict() string {
	var set, left, right []string
	for _, c := range u.p.Transfer.Columns {
		if slices.Contains(u.p.Key, c.Target) || slices.Contains(u.p.Always, c.Target) {
			continue
		}
		q := quote.Ident(c.Target)
		set = append(set, q+" = excluded."+q)
		left, right = append(left, "t."+q+cast(c)), append(right, "excluded."+q+cast(c))
	}
	if !u.p.Update || len(set) == 0 {
		return "DO NOTHING"
	}
	return fmt.Sprintf("DO UPDATE SET %s WHERE (%s) IS DISTINCT FROM (%s)", strings.Join(set, ", "), strings.Join(left, ", "), strings.Join(right, ", "))
}

// cast makes a column comparable whose type may have no equality, or one under which
// values that differ are equal: texts are compared then, by their bytes.
func cast(c ddlgen.ColumnTransfer) string {
	word, _, _ := strings.Cut(c.TargetType, "(")
	switch strings.TrimSpace(word) {
	case "smallint", "integer", "bigint", "boolean", "uuid", "bytea", "date", "timestamp without time zone", "timestamp with time zone", "time without time zone":
		return ""
	}
	return `::text COLLATE "C"`
}
