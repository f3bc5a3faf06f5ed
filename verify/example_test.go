package verify_test

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/verify"
)

// A report is read from its worst verdict down. Run makes one; here it is
// written by hand.
func Example() {
	report := &verify.Report{
		Complete: true, ExpectedTables: 2,
		Tables: []verify.Table{
			{Target: catalog.Name{Schema: "public", Name: "customer"}, Verdict: verify.Match, Detail: "599 rows equal (copy stream)"},
			{
				Target: catalog.Name{Schema: "public", Name: "payment"}, Verdict: verify.Mismatch,
				Detail: "16049 rows left the source, the target holds 16048: 1 missing",
			},
		},
	}
	for _, t := range report.Tables {
		fmt.Printf("%s: %s: %s\n", t.Target, t.Verdict, t.Detail)
	}
	fmt.Println(report.Verdict(), report.Good())
	// Output:
	// public.customer: match: 599 rows equal (copy stream)
	// public.payment: mismatch: 16049 rows left the source, the target holds 16048: 1 missing
	// mismatch false
}
