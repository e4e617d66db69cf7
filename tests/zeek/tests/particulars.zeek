# @TEST-DOC: What scripts get besides a PDU, before it: users, sessions, objects, assets, fields that conditions compare; of secrets the size of a digest. Polling has nothing of it.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-user-registration.pcap ${PACKAGE} %INPUT > registration.out && btest-diff registration.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-token-replay.pcap ${PACKAGE} %INPUT > replay.out && btest-diff replay.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-online-monitoring.pcap ${PACKAGE} %INPUT | sort -u > monitoring.out && btest-diff monitoring.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-udp-session.pcap ${PACKAGE} %INPUT > owner.out && btest-diff owner.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-short-type-name.pcap ${PACKAGE} %INPUT > header.out && btest-diff header.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-script-challenge.pcap ${PACKAGE} %INPUT > octets.out && btest-diff octets.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-node-search.pcap ${PACKAGE} %INPUT > search.out && btest-diff search.out
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-poll.pcap ${PACKAGE} %INPUT > polling.out
# @TEST-EXEC-FAIL: grep particulars polling.out
# @TEST-EXEC: test ! -f reporter.log

event MELSEC::particulars(c: connection, is_orig: bool, particulars: MELSEC::Particulars)
	{
	local told: vector of string;

	if ( particulars?$token )
		told += fmt("token of %d octets", |particulars$token|);

	if ( particulars?$user_token )
		told += fmt("user token of %d octets", |particulars$user_token|);

	if ( particulars?$session )
		told += fmt("session %d", particulars$session);

	for ( field, number in particulars$fields )
		told += fmt("%s %x", field, number);

	if ( particulars?$about )
		told += fmt("about %s", particulars$about);

	for ( _, user in particulars$users )
		told += fmt("user %s", user);

	for ( name, value in particulars$learnt )
		told += fmt("%s %s", name, value);

	print fmt("particulars: %s", join_string_vec(sort(told, strcmp), ", "));
	}

event MELSEC::request(c: connection, is_orig: bool, pdu: MELSEC::PDU)
	{
	print fmt("request %04x", pdu$command);
	}

event MELSEC::response(c: connection, is_orig: bool, pdu: MELSEC::PDU)
	{
	print pdu?$command ? fmt("response %04x", pdu$command) : "response";
	}
