package transfer

// JudgeForBench is the validation of a mapped contact.
var JudgeForBench = judge
