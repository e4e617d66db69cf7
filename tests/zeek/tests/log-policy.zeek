# @TEST-DOC: A policy hook keeps transactions out of the log.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-poll.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: test ! -f melsec.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log

hook MELSEC::log_policy(rec: MELSEC::Info, id: Log::ID, filter: Log::Filter)
	{
	break;
	}
