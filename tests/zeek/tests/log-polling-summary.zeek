# @TEST-DOC: Repeated equal reads are summed up.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-poll.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: btest-diff melsec.log
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log

redef MELSEC::log_polling = MELSEC::SUMMARY;
