package sync

import (
	"os"
	"testing"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" { // a process of TestSyncKilledAnywhere
		child(text)
		return
	}
	pgtest.Main(m)
}
