package like

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/pg2db9/pg2db9/internal/bench/shape"
)

// kind makes the values of one of shape's kinds.
func kind(k shape.Kind) generator { return upTo(k, 0) }

func upTo(k shape.Kind, most int64) generator {
	c := shape.Column{Kind: k, Max: most}
	return func(b []byte, r *rand.Rand, _ float64) []byte { return c.AppendValue(b, r) }
}

// scalar makes values of a built-in type that is no array; nil where it cannot.
func (c column) scalar(typ string) generator { //nolint:gocyclo // a line a type
	mean := payload(c.Width)
	switch typ {
	case "int2":
		return upTo(shape.Int, bound(c.largest(), math.MaxInt16))
	case "int4", "oid", "xid":
		return upTo(shape.Int, bound(c.largest(), math.MaxInt32))
	case "int8":
		return upTo(shape.Bigint, bound(c.largest(), 1<<60))
	case "bool":
		return kind(shape.Bool)
	case "float4":
		return func(b []byte, r *rand.Rand, _ float64) []byte {
			return strconv.AppendFloat(b, r.NormFloat64()*1000, 'g', -1, 32)
		}
	case "float8":
		return kind(shape.Double)
	case "numeric":
		return c.numeric()
	case "timestamp":
		return kind(shape.Timestamp)
	case "timestamptz":
		return kind(shape.Timestamptz)
	case "date":
		return kind(shape.Date)
	case "time", "timetz":
		return clock
	case "interval":
		return func(b []byte, r *rand.Rand, at float64) []byte {
			return clock(fmt.Appendf(b, "%d days ", 1+r.IntN(300)), r, at)
		}
	case "uuid":
		return kind(shape.UUID)
	case "text", "varchar":
		return texts(mean, int(c.Typmod)-typmodHead)
	case "bpchar":
		if n := float64(c.Typmod - typmodHead); n > 0 {
			return func(b []byte, r *rand.Rand, _ float64) []byte { return letters(b, r, int(n)) } // blanks are part of it
		}
		return texts(mean, 0)
	case "name":
		return texts(20, 63)
	case "char":
		return func(b []byte, r *rand.Rand, _ float64) []byte { return letters(b, r, 1) }
	case "bytea":
		return func(b []byte, r *rand.Rand, at float64) []byte {
			raw := make([]byte, whole(r, spread(mean, 0, at)))
			for i := range raw {
				raw[i] = byte(r.Uint32()) //nolint:gosec // any byte will do
			}
			return hex.AppendEncode(append(b, `\\x`...), raw)
		}
	case "json":
		return objects(mean)
	case "jsonb":
		const binary = 1.38 // bytes stored for one of text, for the objects that are made
		return objects(mean / binary)
	case "inet", "cidr", "macaddr", "macaddr8":
		return c.address(typ)
	case "bit":
		return bits(float64(max(1, c.Typmod)))
	case "varbit":
		const head = 4
		return bits(max(0, mean-head) * 8)
	case "point":
		return func(b []byte, r *rand.Rand, _ float64) []byte {
			return fmt.Appendf(b, "(%.4f,%.4f)", r.Float64()*180, r.Float64()*90)
		}
	case "int4range", "int8range", "numrange":
		return func(b []byte, r *rand.Rand, _ float64) []byte {
			from := r.IntN(1_000_000)
			return fmt.Appendf(b, "[%d,%d)", from, from+1+r.IntN(1000))
		}
	case "pg_lsn":
		return func(b []byte, r *rand.Rand, _ float64) []byte {
			return fmt.Appendf(b, "%X/%X", r.IntN(1<<16), r.Uint32())
		}
	}
	return nil
}

const typmodHead = 4 // the modifier of varchar(n) is n + 4

func bound(n, most int64) int64 {
	if n <= 0 {
		return min(most, 1_000_000)
	}
	return min(n, most)
}

// spread is a size between half and one and a half times the mean, not above most
// (0: no bound), so that the mean stays.
func spread(mean float64, most int, at float64) float64 {
	half := mean / 2
	if most > 0 {
		half = min(half, max(0, float64(most)-mean))
	}
	return mean + (2*at-1)*half
}

// texts have a mean number of bytes, and most at most.
func texts(mean float64, most int) generator {
	return func(b []byte, r *rand.Rand, at float64) []byte {
		n := whole(r, spread(mean, most, at))
		if most > 0 {
			n = min(n, most)
		}
		return letters(b, r, n)
	}
}

const alphabet = "etaoinshrdlucmfwypvbgkjqxz"

// letters appends a text of n bytes: words of small letters, none of which a form
// escapes. It neither begins nor ends with a blank.
func letters(b []byte, r *rand.Rand, n int) []byte {
	word := 2 + r.IntN(8)
	for i := range n {
		if word == 0 && i < n-1 {
			b, word = append(b, ' '), 2+r.IntN(8)
			continue
		}
		// Frequent letters come more often, as in texts.
		b = append(b, alphabet[min(r.IntN(len(alphabet)), r.IntN(len(alphabet)))])
		word = max(0, word-1)
	}
	return b
}

// objects are JSON of a mean size, in bytes of text.
func objects(mean float64) generator {
	const over = 8 // the last member goes beyond what is asked for
	return func(b []byte, r *rand.Rand, at float64) []byte {
		return shape.AppendJSON(b, r, whole(r, max(0, spread(mean, 0, at)-over)))
	}
}

// numeric makes numbers of as many digits as are stored: four of them take two bytes,
// behind a head of as many.
func (c column) numeric() generator {
	const head, ofGroup, digits = 2, 2, 4
	groups := max(0, (payload(c.Width)-head)/ofGroup)
	scale, most := 2, 1000
	if groups < 1.5 {
		scale = 0
	}
	if c.Typmod >= typmodHead {
		m := c.Typmod - typmodHead
		scale = int(m&0x7ff^1024) - 1024 // of eleven bits, with its sign
		most = int(m>>16&0xffff) - max(0, scale)
	}
	behind := float64((max(0, scale) + digits - 1) / digits)
	// What is not there for both parts lacks behind the point: 12.00 stores one group.
	fraction := 0.0
	if behind > 0 {
		fraction = min(1, max(0, (groups-1)/behind))
	}
	if most <= 0 {
		fraction = 1
	}
	before := max(0, groups-behind*fraction)
	return func(b []byte, r *rand.Rand, _ float64) []byte {
		n := whole(r, before)
		if n == 0 || most <= 0 {
			b = append(b, '0')
		} else {
			b = number(b, r, min(most, max(1, digits*(n-1)+1+r.IntN(digits)-max(0, -scale))))
		}
		for range -scale {
			b = append(b, '0') // 1200 of numeric(2,-2)
		}
		if scale <= 0 {
			return b
		}
		b = append(b, '.')
		zero := r.Float64() >= fraction
		for i := range scale {
			d := digit(r, 0)
			if i == scale-1 {
				d = digit(r, 1) // else a group less is stored
			}
			if zero || i < -most { // 0.00012 of numeric(2,5)
				d = 0
			}
			b = append(b, '0'+d)
		}
		return b
	}
}

// digit is at least that.
func digit(r *rand.Rand, least int) byte { return byte(least + r.IntN(10-least)) } //nolint:gosec // below ten

// number appends a number of n digits.
func number(b []byte, r *rand.Rand, n int) []byte {
	b = append(b, '0'+digit(r, 1))
	for range n - 1 {
		b = append(b, '0'+digit(r, 0))
	}
	return b
}

// clock appends a time of day; time with time zone takes it for one of the session's.
func clock(b []byte, r *rand.Rand, _ float64) []byte {
	return fmt.Appendf(b, "%02d:%02d:%02d.%03d", r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
}

// bits appends ones and zeros.
func bits(mean float64) generator {
	return func(b []byte, r *rand.Rand, _ float64) []byte {
		for range whole(r, mean) {
			b = append(b, "01"[r.IntN(2)])
		}
		return b
	}
}

// address makes addresses; as many of them long ones as the mean width says.
func (c column) address(typ string) generator {
	const v4, v6 = 7, 19 // bytes stored
	long := (c.Width - v4) / (v6 - v4)
	return func(b []byte, r *rand.Rand, at float64) []byte {
		part := func() int { return r.IntN(256) }
		switch {
		case typ == "macaddr":
			return fmt.Appendf(b, "%02x:%02x:%02x:%02x:%02x:%02x", part(), part(), part(), part(), part(), part())
		case typ == "macaddr8":
			return fmt.Appendf(b, "%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x", part(), part(), part(), part(), part(), part(), part(), part())
		case at < long:
			b = fmt.Appendf(b, "2001:db8:%x:%x::", r.IntN(1<<16), r.IntN(1<<16))
			if typ == "cidr" {
				return append(b, "/64"...)
			}
			return fmt.Appendf(b, "%x", 1+r.IntN(1<<15))
		case typ == "cidr":
			return fmt.Appendf(b, "10.%d.%d.0/24", part(), part())
		}
		return fmt.Appendf(b, "10.%d.%d.%d", part(), part(), part())
	}
}
