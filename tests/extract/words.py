"""The words from which documents are made. One entry a line; an empty entry is written `-`."""


def _lines(text: str) -> list[str]:
    return ["" if line == "-" else line for line in text.strip().splitlines()]


UNKNOWN_BODIES = ["復興庁", "こども家庭庁", "公正取引委員会", "デジタル庁"]
SUBJECTS = _lines("""
マイナンバーカード
オープンデータ
行政手続
自治体クラウド
医療・介護データ
防災情報
テレワーク
地理空間情報
公共交通データ
Webアクセシビリティ
Lアラート
AI・RPA
5G
「自治体ピッチ」
母子健康手帳(電子版)
IoT×データ
""")
PREDICATES = _lines("""
の普及促進
のオンライン化の推進
を活用した業務改革(BPR)の推進
の標準化
の整備・提供
に関する環境整備等
の利活用推進(地方公共団体が保有する情報を含む)
における2ルート化等の支援
の拡充・普及
の仕組みの確立、成果の推進・普及
""")
SENTENCES = _lines("""
平成30年度から順次開始し、令和2年度末までに800団体への導入を目指す。
オンライン化の徹底が必要(総務省が調査)。
電気事業法(昭和39年法律第170号)等の手続の数は毎年25万件に上る。
これにより、官民双方の負担軽減を実現。
利用の機会等の格差の是正に向け、時期調整中の施策も含めて検討。
内閣官房、総務省、経済産業省が連携し、年1回程度開催する。
「ガイドブック(β版)」を平成31年3月に公表済み(第4版、2019.3)。
約24%(418団体、平成31年3月11日時点)である。
""")
SUPPORTS = _lines("""
地方公共団体に対する説明会・研修会等を実施。
「推進ロードマップ」に基づき、以下の支援を実施する(補助率:1/2)。
手引書を平成29年12月に公表。
○地域IoT実装推進事業(補助事業) 初期投資の経費を補助。
地域情報化アドバイザーを派遣。
財政措置(次の事業は起債の対象)。
""")
PROGRAMMES = _lines("""
地域IoT実装推進事業
医療・介護・健康データ利活用基盤高度化事業
地理空間情報の実証検討経費
沖縄振興特別推進交付金
地域情報化の推進(本省)
集約型都市構造化推進調査経費(環境づくり検討調査)
情報収集・伝達に要する経費
データ活用促進事業費
テレワーク普及展開推進事業
スマートスクール・プラットフォーム実証事業
""")
PAGES = _lines("""
main_sosiki/joho_tsusin/b_free/guideline.html
menu_seisaku/ictseisaku/housou_suishin/hosonet_kyojinka02.html
main_content/000472673.pdf
jp/singi/it2/kettei/pdf/20170530/suisinhosin.pdf
go/detail?lawId=419AC0000000063
stf/seisakunitsuite/bunya/kenkou-iryou/index.html#anc01
policy-opendata
share/view?id=a007F&p1=%E4%BB%8B&pn=1
-
""")
HOSTS = _lines("""
http://www.soumu.go.jp
https://cio.go.jp
http://www8.cao.go.jp
https://www.meti.go.jp
https://j-lis.example.jp
""")
NAMES = _lines("""
推奨データセット
ガイドライン(第2版)
「Lアラート」の普及促進(総務省HP)
電子自治体の推進
宇宙産業ビジョン2030(2017年5月29日)
補助事業の申請要領等
平成29年度沖縄振興予算について
""")
KPI_GROUPS = ["オンライン・ワンストップ化", "クラウドを活用した処分通知等", "普及・啓発"]
# One KPI each, although a space stands in it: the left part ends in no counter noun.
SPACED = _lines("""
総合窓口設置自治体支援ナビの構築 相続手続の簡素化に関する検討の実施
様々な主体による利用の推進 都市計画基礎調査情報をオープンデータ化した団体の数
""")
PAGE_TITLES = _lines("""
### Ⅲ 市町村の施策に関する国の施策一覧
### Ⅲ 都道府県の施策に関する国の施策一覧
## 国の施策一覧
""")

# The headings of the columns in several wordings, `|` between them.
HEADINGS = [
    line.split("|")
    for line in _lines("""
No|№|番号|No.
施策名|施策の名称|施 策 名
KPI (進捗)|KPI(進捗)|進捗KPI|KPI (進 捗)
KPI (効果)|KPI(効果)|効果KPI
課題・取組概要(スケジュール・効果)|課題・取組概要|課題・取組概 要(スケジュ ール・効果)
対応する柱|対応す る柱
市町村官民データ活用推進計画掲載時期|計画掲載時期|市町村官民 データ活用推 進計画掲載時 期
市町村の取組により期待される効果|期待される 効果
市町村等への支援策|地方公共団体への支援策
予算事業名|予算事業 名
参考URL|参考 URL|関連URL
国の施策番号|国の 施策番号
府省庁名①|府省庁名|担当府省庁
""")
]
SUBHEADINGS = [
    line.split("|")
    for line in _lines("""
行政の効率化・コスト削減|行政の効 率化・コス ト削減
地域社会・経済の活性化|地域社 会・経済 の活性化
住民生活の利便性・質の向上|住民生活 の利便 性・質の 向上|住民生活の利便性の向上
住民生活の安全・安心の確保|住民生活 の安全・ 安心の確 保
""")
]
