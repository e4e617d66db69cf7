# @TEST-DOC: What a controller is, and where it answers; told again only when something of it is new.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/melsoft-session.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="ts host mac model series firmware serial protocols ports advisories source" melsec_assets.log > melsec_assets.cut && btest-diff melsec_assets.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
