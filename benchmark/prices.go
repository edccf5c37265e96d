package main

// Prices of AWS in us-east-1, on demand, in US dollars, as published in November
// 2025; without free tiers, taxes and transfer between regions.
const (
	priceGBSecond      = 0.0000133334 // Lambda on arm64
	priceInvocation    = 0.20 / 1e6
	priceWriteUnit     = 0.625 / 1e6 // DynamoDB, on demand: 1 KB written
	priceReadUnit      = 0.125 / 1e6 // 4 KB read with strong consistency
	priceStorage       = 0.25        // a GB and month
	priceSecret        = 0.40        // a month
	priceSecretCalls   = 0.05 / 1e4
	priceSchedule      = 1.00 / 1e6 // EventBridge Scheduler
	priceLogGB         = 0.50       // CloudWatch, ingestion
	priceMetric        = 0.30       // a custom metric and month
	priceAlarm         = 0.10       // a month
	priceDashboard     = 3.00       // a month
	memoryGB           = 0.25       // of the functions (template.yaml)
	alarms             = 10         // of the stack (template.yaml)
	metrics            = 10         // of the stack (shared/observe)
	pollsPerMonth      = 30 * 24 * 12
	idleRunSeconds     = 0.5 // an idle run: $metadata is warm, one page is asked for
	idleRunWrites      = 4   // lease twice, watermark, run
	idleRunReads       = 4
	itemUnits          = 3.0   // write units of one outcome with its index row: see docs/performance.md
	logBytesTransfer   = 450.0 // one line a transfer
	logBytesIdleRun    = 2000.0
	callSeconds        = 0.15 // how long a call of iPaaS.com takes, an assumption
	contactsOfAPage    = 100.0
	unitsOfALookedUp   = 0.5 // a batch read of a small item, consistent
	bytesOfAnItem      = 3000.0
	createCalls        = 3
	updateCalls        = 1
	createWriteUnits   = 1 + 1 + itemUnits // claim, number, outcome
	updateWriteUnits   = itemUnits + itemUnits
	transfersPerSecond = 500.0 / 60 // calls of the default rate
)

// A cost is what a million of something costs, by what it is for.
type cost struct {
	Name                          string
	Lambda, Table, Logs, Together float64
}

// transferCosts projects a million transfers with the given number of workers.
// Where the rate lets a run wait, waiting costs as much as working.
func transferCosts(workers int) []cost {
	make := func(name string, calls, units, seconds float64) cost {
		c := cost{Name: name}
		c.Lambda = 1e6 * seconds * memoryGB * priceGBSecond
		c.Table = 1e6 * (units*priceWriteUnit + (unitsOfALookedUp+1)*priceReadUnit)
		c.Logs = 1e6 * logBytesTransfer / 1e9 * priceLogGB
		if calls == 0 {
			c.Logs, c.Table = 0, 1e6*unitsOfALookedUp*priceReadUnit
		}
		c.Together = c.Lambda + c.Table + c.Logs
		return c
	}
	quick := func(calls float64) float64 { return calls * callSeconds / float64(workers) }
	slow := func(calls float64) float64 { return max(quick(calls), calls/transfersPerSecond) }
	return []cost{
		make("1,000,000 created, iPaaS.com as fast as it answers", createCalls, createWriteUnits, quick(createCalls)),
		make("1,000,000 created, at 500 calls a minute", createCalls, createWriteUnits, slow(createCalls)),
		make("1,000,000 updated, iPaaS.com as fast as it answers", updateCalls, updateWriteUnits, quick(updateCalls)),
		make("1,000,000 updated, at 500 calls a minute", updateCalls, updateWriteUnits, slow(updateCalls)),
		make("1,000,000 read and unchanged", 0, 0, 1/5000.0),
	}
}

// idleMonth projects a month in which nothing changes, polled every five minutes.
func idleMonth() []cost {
	runs := cost{
		Name:   "8,640 polls that find nothing",
		Lambda: pollsPerMonth * (idleRunSeconds*memoryGB*priceGBSecond + priceInvocation + priceSchedule),
		Table:  pollsPerMonth * (idleRunWrites*priceWriteUnit + idleRunReads*priceReadUnit),
		Logs:   pollsPerMonth * logBytesIdleRun / 1e9 * priceLogGB,
	}
	runs.Together = runs.Lambda + runs.Table + runs.Logs
	watching := cost{Name: "metrics, alarms, dashboard", Logs: metrics*priceMetric + alarms*priceAlarm + priceDashboard}
	watching.Together = watching.Logs
	secret := cost{Name: "the secret", Together: priceSecret + pollsPerMonth*priceSecretCalls}
	stored := cost{Name: "1,000,000 contacts stored", Table: 1e6 * 1.5 * bytesOfAnItem / 1e9 * priceStorage}
	stored.Together = stored.Table
	return []cost{runs, secret, watching, stored}
}
