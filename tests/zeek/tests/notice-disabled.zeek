# @TEST-DOC: A detection that is switched off raises nothing.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-remote-stop.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: test ! -f notice.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log

redef MELSEC::disabled_detections += { "remote-stop" };
