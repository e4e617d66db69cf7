##! Mitsubishi MELSEC: SLMP / MC protocol and MELSOFT.

# Without the compiled analyzers (a sensor whose Zeek was upgraded, an unloaded package) the scripts
# have nothing to work on: Zeek starts all the same and says so.
@ifdef ( Analyzer::ANALYZER_MELSEC_TCP )

@load ./types
@load ./consts
@load ./detections
@load ./pairing
@load ./main
@load ./notices
@load ./engineering
@load ./files
@load ./assets
@load ./verdicts
@load ./baseline
@load ./halts
@load ./oddities
@load-sigs ./dpd

# What the site wants otherwise: behind the options that it sets.
@load ./site-settings

@else

event zeek_init()
	{
	Reporter::warning("melsec-nsm: the compiled MELSEC analyzers are missing; install the package again, which compiles them for this Zeek");
	}

@endif
