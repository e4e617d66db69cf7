##! melsec.log: one line per transaction, unless polling is summed up.

@load base/frameworks/logging
@load ./types
@load ./consts
@load ./info
@load ./numbering
@load ./pairing
@load ./polling

module MELSEC;

export {
	## Default policy hook of the log.
	global log_policy: Log::PolicyHook;

	## Raised for each record on its way to the log.
	##
	## rec: The record.
	global log_melsec: event(rec: Info);
}

redef likely_server_ports += { tcp_ports, udp_ports };

event zeek_init() &priority=5
	{
	Log::create_stream(MELSEC::LOG, Log::Stream($columns=Info, $ev=log_melsec, $path="melsec", $policy=log_policy));
	Analyzer::register_for_ports(Analyzer::ANALYZER_MELSEC_TCP, tcp_ports);
	Analyzer::register_for_ports(Analyzer::ANALYZER_MELSEC_UDP, udp_ports);

	for ( p in trusted_ports )
		Analyzer::register_for_port(
		    get_port_transport_proto(p) == tcp ? Analyzer::ANALYZER_MELSEC_TCP : Analyzer::ANALYZER_MELSEC_UDP, p);
	}

# The grammar writes values down only where somebody handles the event, which nobody does while the group is off.
function switch_values(on: bool)
	{
	if ( on )
		enable_event_group("MELSEC::log_values");
	else
		disable_event_group("MELSEC::log_values");
	}

event zeek_init()
	{
	switch_values(log_values);
	Option::set_change_handler("MELSEC::log_values", function(id: string, value: bool): bool
		{
		switch_values(value);
		return value;
		});
	}

event values(c: connection, is_orig: bool, text: string) &group="MELSEC::log_values"
	{
	if ( |text| == 0 )
		return;

	local state = state_of(c);

	if ( |text| > max_values_length )
		{
		limit_reached(c, "max_values_length");
		state$values = text[:max_values_length];
		}
	else
		state$values = text;
	}

hook transaction_done(transaction: Transaction) &priority=-5
	{
	if ( transaction?$answer && ( transaction$answer?$model_code || transaction$answer?$target ) )
		learn_model(transaction);

	local info = info_of(transaction);

	if ( log_polling == FULL || ! is_repeat(transaction, info) )
		Log::write(MELSEC::LOG, info);
	}
