# @TEST-DOC: The policy hook keeps operations out of the log.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-remote-stop.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: test ! -f melsec_engineering.log
# @TEST-EXEC: test ! -f reporter.log

hook MELSEC::log_policy_engineering(rec: MELSEC::Operation, id: Log::ID, filter: Log::Filter)
	{
	if ( rec$action == "remote-stop" )
		break;
	}
