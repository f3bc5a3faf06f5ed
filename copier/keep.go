package copier

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// A snapshot lives as long as the transaction that exported it. So that a crash
// of the copier does not lose it, a process of its own joins it, exports it once
// more under a name of its own, and waits. It knows that a copier is at work by
// an advisory lock that the copier's session on the source holds: seen from any
// machine, gone with the copier, nothing written.

// signClass is the first half of the advisory lock's key: "pg2d".
const signClass int32 = 0x70673264

const (
	// keepLook is how often the keeper looks for its copier (and keeps its
	// connection from looking idle).
	keepLook = 2 * time.Second
	// signEvery is how often the copier sees to it that its sign still stands.
	signEvery = 30 * time.Second
)

//go:embed queries/copier_at_work.sql
var copierAtWorkSQL string

// signKey is the second half: which run it is. Two runs of one key would keep
// each other's snapshots a little longer.
func signKey(run string) int32 {
	return int32(crc32.ChecksumIEEE([]byte(run)) >> 1)
}

// KeepParams is what KeepSnapshot needs.
type KeepParams struct {
	Source   *dial.Endpoint
	Settings dial.Settings
	Run      string
	Snapshot string        // the exported snapshot to join
	Patience time.Duration // how long it is kept after the last sign of a copier
	MaxAge   time.Duration // how long it is kept at most; 0 is no bound

	// Ready is told the name that others can join the snapshot by, and the backend.
	Ready func(Kept) error
}

// KeepSnapshot joins a snapshot and holds it until no copier of the run was seen
// for a while, its age is reached, its backend is ended (EndKept), or ctx ends.
func KeepSnapshot(ctx context.Context, p KeepParams) error {
	conn, err := p.Source.Aside().Connect(ctx, p.Settings)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if err := dial.BeginSnapshot(ctx, conn, p.Snapshot); err != nil {
		return err
	}
	kept := Kept{PID: int64(conn.PgConn().PID())}
	const export = `SELECT pg_catalog.pg_export_snapshot(),
		coalesce((SELECT backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()), '')`
	if err := conn.QueryRow(ctx, export).Scan(&kept.Snapshot, &kept.Start); err != nil {
		return fmt.Errorf("exporting snapshot %s once more: %w", p.Snapshot, err)
	}
	if err := p.Ready(kept); err != nil {
		return err
	}
	begun, seen := time.Now(), time.Now()
	ticker := time.NewTicker(keepLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var atWork bool
		if err := conn.QueryRow(ctx, copierAtWorkSQL, int64(signClass), int64(signKey(p.Run))).Scan(&atWork); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("the snapshot is lost: its connection to the source broke: %w", err)
		}
		now := time.Now()
		switch {
		case atWork:
			seen = now
		case now.Sub(seen) >= p.Patience:
			return nil
		}
		if p.MaxAge > 0 && now.Sub(begun) >= p.MaxAge {
			return nil
		}
	}
}

// Sign tells the keeper of the run's snapshot that its copier is at work, until
// the snapshot is closed: by an advisory lock on the connection that sees the
// catalog as it is now. The lock is taken again when that connection broke.
func (s *Snapshot) Sign(ctx context.Context, run string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
	if err := s.sign(ctx); err != nil {
		return err
	}
	s.unsign = every(ctx, signEvery, func(ctx context.Context) bool {
		_ = s.signAgain(ctx) // or with the next tick: the keeper waits for longer
		return false
	})
	return nil
}

func (s *Snapshot) sign(ctx context.Context) error {
	if _, err := s.live.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock_shared($1, $2)", signClass, signKey(s.run)); err != nil {
		return fmt.Errorf("telling the snapshot's keeper that a copier is at work: %w", err)
	}
	return nil
}

// signAgain looks whether the connection lives, and makes it anew where not.
func (s *Snapshot) signAgain(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, signEvery)
	defer cancel()
	if !s.live.IsClosed() && s.live.Ping(ctx) == nil {
		return nil
	}
	conn, err := s.source.Connect(ctx, s.settings)
	if err != nil {
		return err
	}
	_ = s.live.Close(ctx)
	s.live = conn
	return s.sign(ctx)
}

// KeptLives reports whether the backend that keeps a snapshot is there.
func KeptLives(ctx context.Context, conn *pgx.Conn, k Kept) (lives bool, err error) {
	if err := conn.QueryRow(ctx, backendLivesSQL, k.PID, k.Start).Scan(&lives); err != nil {
		return false, fmt.Errorf("looking for the keeper of the snapshot on the source: %w", err)
	}
	return lives, nil
}

// EndKept ends the backend that keeps a snapshot; its process ends with it. One
// that is gone already is no error.
func EndKept(ctx context.Context, conn *pgx.Conn, k Kept) error {
	if k.PID == 0 || k.Start == "" {
		return nil
	}
	const end = `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND backend_start::text = $2`
	var ended bool
	err := conn.QueryRow(ctx, end, k.PID, k.Start).Scan(&ended)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("ending the keeper of the snapshot (%s, backend %d on the source): %w; it ends by itself", k.By, k.PID, err)
	}
	return nil
}
