# @TEST-DOC: Polling is no operation.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-poll.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: test ! -f melsec_engineering.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
