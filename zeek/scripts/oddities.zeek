##! Datagrams that are no PDU where one was expected, and requests for quantities that no controller has.

@load ./types
@load ./consts
@load ./info
@load ./connections
@load ./silence

module MELSEC;

export {
	## Raised for a datagram that is no PDU on a flow that has had PDUs, or on a port where some are expected.
	##
	## c: The connection.
	## is_orig: Whether Zeek takes the sender for the originator: not to be relied on.
	## octets: How long it is.
	## marked: It begins like a PDU in binary.
	## asks: It begins like a request.
	global stray: event(c: connection, is_orig: bool, octets: count, marked: bool, asks: bool);
}

# Whether the capture itself has cut the datagram off that was seen last. A header that is told all the same is that of
# fragments put together, which are longer than any of them.
function is_cut(): bool
	{
	local packet = get_current_packet_header();
	return packet$l2$cap_len < packet$l2$len && ! packet?$udp;
	}

# Reports a malformed datagram. ``from_client``: it is the client that sends it.
function report_stray(c: connection, is_orig: bool, octets: count, from_client: bool)
	{
	if ( is_cut() )
		return;

	local id = c$id;
	local orig_asks = ( is_orig == from_client );
	local what = fmt("%d octets", octets);
	report(c, "melsec_garbage", what, "garbage");
	hook happened(Happening($name="malformed-frame", $ts=network_time(), $uid=c$uid, $id=id,
	    $client=orig_asks ? id$orig_h : id$resp_h, $server=orig_asks ? id$resp_h : id$orig_h, $what=what));
	}

event stray(c: connection, is_orig: bool, octets: count, marked: bool, asks: bool)
	{
	local id = c$id;

	if ( c?$melsec && c$melsec?$asker )
		{
		report_stray(c, is_orig, octets, ( is_orig ? id$orig_h : id$resp_h ) == c$melsec$asker);
		return;
		}

	if ( id$resp_p !in udp_ports && id$orig_p !in udp_ports )
		return;

	if ( is_orig ? [id$resp_h, id$resp_p] in services : [id$orig_h, id$orig_p] in services )
		report_stray(c, is_orig, octets, T);
	else if ( is_orig ? [id$orig_h, id$orig_p] in services : [id$resp_h, id$resp_p] in services )
		report_stray(c, is_orig, octets, F);
	else if ( marked )
		report_stray(c, is_orig, octets, asks);
	}

hook request_seen(transaction: Info)
	{
	local command = transaction$command_info;

	if ( ! command?$most || transaction$group || ! transaction$asked?$points )
		return;

	local asked = transaction$asked;
	local in_bits = ( asked?$subcommand && ( asked$subcommand & transaction$layout$bit_units ) != 0 );

	if ( asked$points == 0 || asked$points > ( in_bits ? command$most_bits : command$most ) )
		hook happened(Happening($name="impossible-quantity", $ts=transaction$ts, $uid=transaction$uid,
		    $id=transaction$id, $client=transaction$client, $server=transaction$server,
		    $what=transaction$operation));
	}
